"""Images as a viewer shows them: windowed (PS3.3 C.11.2), or in colour; of a cine its middle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import pixel_array

from tools.depiction.canvas import Find, fitted


def as_shown(made: Dataset, find: Find, side: int) -> Image.Image:
    """The middle frame."""
    del find
    return fitted(Image.fromarray(shown(made)), side)


def inverted(made: Dataset, find: Find, side: int) -> Image.Image:
    """The middle frame, activity black on white as nuclear medicine looks at it."""
    del find
    return fitted(Image.fromarray(255 - shown(made)), side)


def shown(made: Dataset, window: tuple[float, float] | None = None) -> NDArray[np.uint8]:
    """The middle frame: (rows, columns) or (rows, columns, 3).

    ``window`` is a centre and a width to use instead of the object's own.
    """
    middle = int(made.get("NumberOfFrames", 1)) // 2
    pixels = pixel_array(made, index=middle)
    if made.SamplesPerPixel == 3:
        colour: NDArray[np.uint8] = pixels
        return colour
    values = _rescaled(made, pixels, middle)
    if window is None:
        window = _own_window(made, middle) or _range_of(values)
    centre, width = window
    scaled = (values - (centre - width / 2)) / max(width, 1e-9)
    grey = np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8)
    return 255 - grey if made.PhotometricInterpretation == "MONOCHROME1" else grey


def _rescaled(made: Dataset, pixels: NDArray[Any], frame: int) -> NDArray[np.float64]:
    within = _group(made, frame, "PixelValueTransformationSequence")
    values: NDArray[np.float64] = apply_modality_lut(pixels, within).astype(np.float64)
    return values


def _own_window(made: Dataset, frame: int) -> tuple[float, float] | None:
    within = _group(made, frame, "FrameVOILUTSequence")
    if within.get("WindowCenter") is None:
        return None
    centre, width = (_first(within[name].value) for name in ("WindowCenter", "WindowWidth"))
    return centre, width


def _first(value: Any) -> float:
    return float(value if isinstance(value, int | float | str) else value[0])


def _group(made: Dataset, frame: int, macro: str) -> Dataset:
    """Where ``macro``'s attributes are for ``frame``: in functional groups, else in ``made``."""
    per_frame = made.get("PerFrameFunctionalGroupsSequence")
    groups = [per_frame[frame]] if per_frame else []
    groups += made.get("SharedFunctionalGroupsSequence", [])
    for group in groups:
        if macro in group:
            within: Dataset = group[macro].value[0]
            return within
    return made


def _range_of(values: NDArray[np.float64]) -> tuple[float, float]:
    """Where an object says nothing: from its darkest to its brightest, outliers aside."""
    low, high = np.percentile(values, (0.5, 99.5))
    return float(low + high) / 2, float(high - low) or 1.0
