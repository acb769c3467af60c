"""What the mammography families say about views, compression and dose (PS3.3 C.8.11.6 ff.)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from pydicom import Dataset

from dicom.datasets.codes import Code
from modalities.phantoms.breast import View
from modalities.phantoms.marks import Mask, letters, place
from modalities.studies.plan import StudyPlan

Direction = tuple[float, float, float]

BREAST: Final = Code("76752008", "SCT", "Breast")
#: Views for mammography (CID 4014).
VIEW_CODES: Final = {
    "CC": Code("399162004", "SCT", "cranio-caudal"),
    "MLO": Code("399368009", "SCT", "medio-lateral oblique"),
}
#: Height and width of the detector.
FIELD_MM: Final = (291.0, 236.4)
COMPRESSED_MM: Final = 52


def patient_orientation(view: View) -> list[str]:
    """Patient Orientation (PS3.3 C.7.6.1.1.1): towards where rows and columns run."""
    towards = "A" if view.side == "L" else "P"
    other = "R" if view.side == "L" else "L"
    return [towards, other if view.projection == "CC" else "F" + other]


def angle(view: View) -> float:
    """Positioner Primary Angle, in degrees: negative where the tube is on the patient's right, as
    it is to look at a left breast from the middle."""
    if view.projection == "CC":
        return 0.0
    return -45.0 if view.side == "L" else 45.0


def view_marks(plan: StudyPlan, view: View) -> Mask:
    """Which pixels the view's name, away from the chest wall, and a warning below it take."""
    marked = np.zeros((plan.rows, plan.columns), np.bool_)
    size = max(plan.rows // 200, 1)
    across = 0.86 if view.side == "L" else 0.14
    for text, width, down in ((view.label, size, 0.06), ("LAB USE ONLY", max(size // 2, 1), 0.96)):
        mask = place(marked.shape, letters(text, width), down, across)
        if mask is not None:
            marked |= mask
    return marked


def describe_compression(target: Dataset) -> None:
    """How the breast is held."""
    target.BodyPartThickness = COMPRESSED_MM
    target.CompressionForce = 98


def direction_cosines(view: View) -> tuple[Direction, Direction, Direction]:
    """Where rows run, where columns run, and where the beam runs: unit vectors in patient
    coordinates (PS3.3 C.7.6.2.1.1)."""
    front = -1.0 if view.side == "L" else 1.0  # to the front for a left breast, which is minus y
    if view.projection == "CC":
        return (0.0, front, 0.0), (front, 0.0, 0.0), (0.0, 0.0, -1.0)
    half = round(math.sqrt(0.5), 6)
    # to the foot and across; then what is at right angles to both
    return (0.0, front, 0.0), (front * half, 0.0, -half), (-front * half, 0.0, -half)
