"""The exposure that the DX families show: a hand on a detector, right and left in turn."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from dicom.datasets.codes import Code
from modalities.iods.digital_x_ray import describe_detector, describe_exposure, set_view
from modalities.phantoms.hand import MOST, hand
from modalities.phantoms.marks import Mask, letters, place
from modalities.phantoms.projection import Grain, levels
from modalities.studies.plan import StudyPlan

LEVELS: Final = 4096
#: Height and width of the field.
_FIELD_MM: Final = (300.0, 240.0)
#: Noise, in levels.
_NOISE: Final = 22
_HAND: Final = Code("85562004", "SCT", "Hand")
_PA: Final = Code("272479007", "SCT", "Postero-anterior")

__all__ = ["LEVELS", "MOST", "HandExposures", "describe_hand", "finish", "side"]


def side(number: int) -> str:
    """Laterality of image ``number``: right first."""
    return "R" if number % 2 else "L"


class HandExposures:
    """Attenuation, image by image."""

    def __init__(self, plan: StudyPlan) -> None:
        self._attenuation = levels(hand(plan), MOST, LEVELS)
        self._grain = Grain(plan, _NOISE)
        self._marks = {each: self._mark(plan, each) for each in "RL"}

    def levels(self, number: int) -> NDArray[np.int16]:
        """Levels (see ``projection.levels``) of image ``number``, noise and all."""
        right = self._attenuation
        attenuation = right if side(number) == "R" else right[:, ::-1]
        seen: NDArray[np.int16] = np.clip(attenuation + self._grain.of(number), 0, LEVELS - 1)
        return seen

    def mark(self, pixels: NDArray[Any], value: int, number: int) -> None:
        """Put the lead letter of its side and a warning on image ``number``, as ``value``."""
        for mask in self._marks[side(number)]:
            pixels[mask] = value

    @staticmethod
    def _mark(plan: StudyPlan, letter: str) -> list[Mask]:
        shape, size = (plan.rows, plan.columns), max(plan.rows // 180, 1)
        across = 0.12 if letter == "R" else 0.88
        marks = (
            place(shape, letters(letter, size), 0.08, across),
            place(shape, letters("LAB USE ONLY", max(size // 2, 1)), 0.97, 0.16),
        )
        return [each for each in marks if each is not None]


def describe_hand(plan: StudyPlan, shared: Dataset) -> None:
    """What series, detector and exposure are like, for either kind of image."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.ProtocolName = "SIMULATED HAND PA"
    shared.BodyPartExamined = "HAND"
    shared.ViewPosition = "PA"
    shared.PatientOrientation = ["L", "H"]
    shared.PositionerType = "NONE"
    shared.DistanceSourceToDetector = 1100
    shared.Grid = "NONE"
    shared.FocalSpots = 0.6
    describe_detector(plan, shared, _FIELD_MM, "SCINTILLATOR")
    describe_exposure(shared, kilovolts=52, milliamperes=160, ms=25)


def finish(image: Dataset, number: int) -> None:
    """What differs from image to image, and sequences."""
    set_view(image, region=_HAND, view=_PA, laterality=side(number))
    image.AcquisitionNumber = number
