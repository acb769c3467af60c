"""CT Image Storage (PS3.3 A.3): a head phantom with plausible Hounsfield values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import CTImageStorage

from modalities.families import family
from modalities.phantoms.head_outlines import (
    BESIDE,
    FIELD_OF_VIEW,
    HEAD,
    SLICE_SPACING,
    VENTRICLE,
    WITHIN_SCALP,
    WITHIN_SKULL,
    head_area,
    ventricle_area,
)
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

#: Hounsfield units.
_AIR, _SCALP, _BONE, _BRAIN, _FLUID, _MARK = -1000, 40, 1100, 36, 6, 2500
_INTERCEPT: Final = -1024
_LEVELS: Final = 4096
_CORNER: Final = 2.0  # largest squared radius that the table of levels covers


@family(
    "CT",
    title="CT head, axial slices",
    sop_class=CTImageStorage,
    pixels=PixelFormat(bits=12),
    spans=True,
    size=(512, 512),
)
def ct(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Axial slices from below to above the head."""
    _describe_series(plan, shared)
    phantom = _HeadPhantom(plan)
    for number in range(1, plan.images + 1):
        image = plan.object(shared, CTImageStorage, number)
        z = (number - 1) * SLICE_SPACING
        half = FIELD_OF_VIEW / 2
        image.ImagePositionPatient = [-half, -half, z]
        image.SliceLocation = z
        pixels = phantom.slice(number)
        burnt = plan.burn(pixels, _MARK - _INTERCEPT, number)
        image.BurnedInAnnotation = "YES" if burnt else "NO"
        plan.set_pixels(image, pixels)
        yield image


def _describe_series(plan: StudyPlan, shared: Dataset) -> None:
    """General Series, Frame of Reference, Image Plane and CT Image modules."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 1
    shared.SeriesDescription = "Head phantom, axial"
    shared.ProtocolName = "SIMULATED HEAD"
    shared.BodyPartExamined = "HEAD"
    shared.PatientPosition = "HFS"
    shared.FrameOfReferenceUID = plan.frame_of_reference_uid
    shared.PositionReferenceIndicator = None
    shared.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    shared.AcquisitionNumber = 1
    shared.KVP = 120
    shared.ExposureTime = 1000
    shared.XRayTubeCurrent = 200
    shared.ConvolutionKernel = "SIMULATED"
    shared.SliceThickness = SLICE_SPACING
    shared.PixelSpacing = [
        round(FIELD_OF_VIEW / plan.rows, 6),
        round(FIELD_OF_VIEW / plan.columns, 6),
    ]
    shared.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.RescaleIntercept, shared.RescaleSlope, shared.RescaleType = _INTERCEPT, 1, "HU"
    shared.WindowCenter, shared.WindowWidth = 40, 80


class _HeadPhantom:
    """Ellipsoids. Distances are computed once; a slice is a table look-up over them."""

    def __init__(self, plan: StudyPlan) -> None:
        self._plan = plan
        y = np.linspace(-1, 1, plan.rows, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, plan.columns, dtype=np.float32)[None, :]
        self._head = _levels(_ellipse(x, y, (0.0, 0.0), HEAD))
        self._ventricles = [
            _levels(_ellipse(x, y, (side * BESIDE[0], BESIDE[1]), VENTRICLE)) for side in (-1, 1)
        ]
        words = plan.bits(plan.rows * plan.columns // 2 + 1)
        # four uniform bytes add up to something near a normal distribution, 9 HU wide
        sums = words.view(np.int8).reshape(-1, 4).sum(axis=1, dtype=np.int16) >> 4
        self._noise = sums[: plan.rows * plan.columns].reshape(plan.rows, plan.columns)

    def slice(self, number: int) -> NDArray[np.int16]:
        """Stored pixel values (Hounsfield units minus the intercept) of slice ``number``."""
        pixels = np.take(_head_table(head_area(number, self._plan.images)), self._head)
        area = ventricle_area(number, self._plan.images)
        if area > 0:
            table = _levels_below(area)
            for ventricle in self._ventricles:
                pixels[np.take(table, ventricle)] = _FLUID - _INTERCEPT
        # the noise moves from slice to slice, as if drawn anew
        pixels += np.roll(self._noise, (number * 37) % max(self._noise.size, 1))
        np.clip(pixels, 0, 4095, out=pixels)
        return pixels


def _ellipse(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    centre: tuple[float, float],
    semi_axes: tuple[float, float],
) -> NDArray[np.float32]:
    """Squared distance from ``centre`` in units of the semi-axes: 1 on the ellipse."""
    across, along = (x - centre[0]) / semi_axes[0], (y - centre[1]) / semi_axes[1]
    squared: NDArray[np.float32] = across * across + along * along
    return squared


def _levels(squared: NDArray[np.float32]) -> NDArray[np.uint16]:
    levels: NDArray[np.uint16] = np.clip(squared * (_LEVELS / _CORNER), 0, _LEVELS - 1).astype(
        np.uint16
    )
    return levels


def _levels_below(bound: float) -> NDArray[np.bool_]:
    return np.arange(_LEVELS) < bound * (_LEVELS / _CORNER)


def _head_table(area: float) -> NDArray[np.int16]:
    """Stored value by level, for a slice whose head has this part of its largest area."""
    table = np.full(_LEVELS, _AIR - _INTERCEPT, np.int16)
    for bound, hounsfield in ((1.0, _SCALP), (WITHIN_SCALP, _BONE), (WITHIN_SKULL, _BRAIN)):
        table[_levels_below(bound * area)] = hounsfield - _INTERCEPT
    return table
