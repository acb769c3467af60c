"""Text burnt into pixels, as consoles do."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import ImageFont

#: A bitmap font: the same pixels everywhere, which no rasteriser of outlines promises.
_FONT: Final = ImageFont.load_default_imagefont()
_MARGIN: Final = 4
#: Shorter side of an image, in pixels, that the font is drawn for at its own size.
_UNSCALED: Final = 320


def burn(pixels: NDArray[Any], value: ArrayLike, *lines: str) -> bool:
    """Write ``lines`` (Latin-1) into the upper left corner of ``pixels``, leaving out what is
    too wide or too low.

    ``pixels`` is (rows, columns) or (rows, columns, samples); ``value`` is what a lit pixel gets.
    The text grows with the image. Returns whether any line fitted.
    """
    rows, columns = pixels.shape[:2]
    scale = max(min(rows, columns) // _UNSCALED, 1)
    top = left = _MARGIN * scale
    fitted = False
    for line in lines:
        mask = _mask(line, scale)
        bottom, right = top + mask.shape[0], left + mask.shape[1]
        if bottom <= rows and right <= columns:
            pixels[top:bottom, left:right][mask] = value
            fitted = True
            top = bottom
    return fitted


@lru_cache(maxsize=512)
def _mask(text: str, scale: int) -> NDArray[np.bool_]:
    image = _FONT.getmask(text or " ", mode="1")
    columns, rows = image.size
    lit = np.array(image, dtype=np.uint8).reshape(rows, columns) != 0
    return np.kron(lit, np.ones((scale, scale), np.bool_))
