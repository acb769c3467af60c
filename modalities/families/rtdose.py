"""RT Dose Storage (PS3.3 A.18): the dose of the plan's two beams in the head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.tag import Tag
from pydicom.uid import RTDoseStorage

from modalities.families import family
from modalities.iods.derived_series import ACQUISITION, describe_series
from modalities.iods.references import reference
from modalities.phantoms import treatment
from modalities.phantoms.head_outlines import FIELD_OF_VIEW, SLICE_SPACING
from modalities.phantoms.photon_beam import PhotonBeam
from modalities.phantoms.treatment import BEAMS, Beam
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

#: Gy for each step of a stored value; 16 bits reach 98 Gy.
_SCALING: Final = 0.0015


@family(
    "RTDOSE",
    title="Dose in the head, all planes",
    sop_class=RTDoseStorage,
    pixels=PixelFormat(bits=16),
    size=(128, 128),
    frames=25,
)
def rtdose(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """The first object is the dose of the whole plan, the next are those of its beams, and so
    on in turn."""
    describe_series(plan, shared, 203, "Doses", without=ACQUISITION)
    spacing = FIELD_OF_VIEW / plan.rows, FIELD_OF_VIEW / plan.columns
    first = treatment.ISOCENTRE[2] - SLICE_SPACING * (plan.frames - 1) / 2
    _describe_grid(plan, shared, spacing, first)
    y, x = (
        np.arange(count, dtype=np.float32) * np.float32(step) - np.float32(FIELD_OF_VIEW / 2)
        for count, step in zip((plan.rows, plan.columns), spacing, strict=True)
    )
    doses = {beam.number: PhotonBeam(beam, x[None, :], y[:, None]) for beam in BEAMS}
    turns = [BEAMS, *((beam,) for beam in BEAMS)]
    for number in range(1, plan.images + 1):
        summed = turns[(number - 1) % len(turns)]
        dose = plan.object(shared, RTDoseStorage, number)
        dose.DoseSummationType = "PLAN" if summed == BEAMS else "BEAM"
        dose.DoseComment = " + ".join(beam.name for beam in summed)
        dose.ReferencedRTPlanSequence = [_what_gives_it(plan, summed)]
        fields = [doses[beam.number] for beam in summed]
        heights = (first + SLICE_SPACING * frame for frame in range(plan.frames))
        planes = (_plane(fields, z) for z in heights)
        plan.set_pixels(dose, planes if plan.frames > 1 else next(planes))
        yield dose


def _describe_grid(
    plan: StudyPlan, shared: Dataset, spacing: tuple[float, float], first: float
) -> None:
    """Frame of Reference, Image Plane, Multi-frame and RT Dose modules (PS3.3 C.8.8.3)."""
    shared.OperatorsName = "NOBODY^PLANNING"
    shared.FrameOfReferenceUID = plan.frame_of_reference_uid
    shared.PositionReferenceIndicator = None
    shared.ImageType = ["DERIVED", "SECONDARY", "DOSE"]
    shared.PixelSpacing = [round(each, 6) for each in spacing]
    shared.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.ImagePositionPatient = [-FIELD_OF_VIEW / 2, -FIELD_OF_VIEW / 2, first]
    shared.SliceThickness = SLICE_SPACING
    if plan.frames > 1:  # a single plane is no multi-frame image (PS3.3 table C.8-39)
        shared.FrameIncrementPointer = Tag("GridFrameOffsetVector")
        shared.GridFrameOffsetVector = [SLICE_SPACING * frame for frame in range(plan.frames)]
    shared.DoseUnits, shared.DoseType = "GY", "PHYSICAL"
    shared.DoseGridScaling = _SCALING
    shared.TissueHeterogeneityCorrection = "IMAGE"


def _what_gives_it(plan: StudyPlan, beams: Sequence[Beam]) -> Dataset:
    item = reference(plan.sibling("RTPLAN"))
    if len(beams) == 1:
        beam = Dataset()
        beam.ReferencedBeamNumber = beams[0].number
        group = Dataset()
        group.ReferencedFractionGroupNumber = 1
        group.ReferencedBeamSequence = [beam]
        item.ReferencedFractionGroupSequence = [group]
    return item


def _plane(fields: Sequence[PhotonBeam], z: float) -> NDArray[np.uint16]:
    """Stored values in the plane ``z`` mm."""
    per_beam = np.float32(treatment.PRESCRIBED_GY / len(BEAMS) / _SCALING)
    total = fields[0].relative_dose(z)
    for field in fields[1:]:
        total = total + field.relative_dose(z)
    stored: NDArray[np.uint16] = np.rint(np.minimum(total * per_beam, 65535)).astype(np.uint16)
    return stored
