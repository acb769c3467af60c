"""RT Structure Set Storage (PS3.3 A.19): contours on the study's CT."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pydicom import Dataset
from pydicom.uid import UID, RTStructureSetStorage

from modalities.families import family
from modalities.iods.derived_series import ACQUISITION, CONTENT, describe_series
from modalities.iods.references import (
    REFERENCED_IMAGES,
    image_references,
    reference,
    reference_to,
    referenced_ct,
)
from modalities.phantoms import treatment
from modalities.phantoms.head_outlines import Ellipse, HeadOutlines
from modalities.studies.plan import StudyPlan

#: Retired, but what Referenced Study Sequence items name (PS3.3 C.8.8.5).
_DETACHED_STUDY: Final = UID("1.2.840.10008.3.1.2.3.1")


@dataclass(frozen=True)
class _Structure:
    """A region of interest; the colour is RGB."""

    number: int
    name: str
    interpreted: str
    algorithm: str
    colour: tuple[int, int, int]


_STRUCTURES: Final = (
    _Structure(treatment.ROI_EXTERNAL, "External", "EXTERNAL", "AUTOMATIC", (0, 255, 0)),
    _Structure(treatment.ROI_BRAIN, "Brain", "ORGAN", "AUTOMATIC", (255, 160, 122)),
    _Structure(treatment.ROI_VENTRICLES, "Ventricles", "ORGAN", "SEMIAUTOMATIC", (0, 191, 255)),
    _Structure(treatment.ROI_TARGET, "PTV", "PTV", "MANUAL", (255, 0, 0)),
)


@family("RTSTRUCT", title="Contours on the CT", sop_class=RTStructureSetStorage)
def rtstruct(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Structure sets; each gives the target 1 mm more than the one before."""
    describe_series(plan, shared, 201, "Structure sets", without=(*ACQUISITION, *CONTENT))
    shared.OperatorsName = "NOBODY^PLANNING"
    shared.FrameOfReferenceUID = plan.frame_of_reference_uid
    shared.PositionReferenceIndicator = None
    shared.StructureSetDate, shared.StructureSetTime = shared.StudyDate, shared.StudyTime
    for number in range(1, plan.images + 1):
        structures = plan.object(shared, RTStructureSetStorage, number)
        structures.StructureSetLabel = f"HEAD {number}"
        structures.ApprovalStatus = "UNAPPROVED"
        structures.ReferencedFrameOfReferenceSequence = [_frame_of_reference(plan)]
        structures.StructureSetROISequence = [_region(plan, each) for each in _STRUCTURES]
        structures.ROIContourSequence = [
            _contours(plan, each, treatment.TARGET_RADIUS + number - 1) for each in _STRUCTURES
        ]
        structures.RTROIObservationsSequence = [_observation(each) for each in _STRUCTURES]
        yield structures


def _frame_of_reference(plan: StudyPlan) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = referenced_ct(plan).series_uid
    series.ContourImageSequence = image_references(plan)
    study = reference_to(_DETACHED_STUDY, plan.study_uid)
    study.RTReferencedSeriesSequence = [series]
    frame = Dataset()
    frame.FrameOfReferenceUID = plan.frame_of_reference_uid
    frame.RTReferencedStudySequence = [study]
    return frame


def _region(plan: StudyPlan, structure: _Structure) -> Dataset:
    item = Dataset()
    item.ROINumber = structure.number
    item.ReferencedFrameOfReferenceUID = plan.frame_of_reference_uid
    item.ROIName = structure.name
    item.ROIGenerationAlgorithm = structure.algorithm
    return item


def _observation(structure: _Structure) -> Dataset:
    item = Dataset()
    item.ObservationNumber = structure.number
    item.ReferencedROINumber = structure.number
    item.RTROIInterpretedType = structure.interpreted
    item.ROIInterpreter = "NOBODY^PLANNING"
    return item


def _contours(plan: StudyPlan, structure: _Structure, target_radius: float) -> Dataset:
    ct = referenced_ct(plan)
    outlines = HeadOutlines(REFERENCED_IMAGES, ct.rows, ct.columns)
    contours: list[Dataset] = []
    for image in range(1, REFERENCED_IMAGES + 1):
        for ellipse in _ellipses(outlines, structure.number, image, target_radius):
            contour = Dataset()
            contour.ContourNumber = len(contours) + 1
            contour.ContourImageSequence = [reference(ct, image)]
            contour.ContourGeometricType = "CLOSED_PLANAR"
            points = ellipse.points()
            contour.NumberOfContourPoints = len(points)
            z = outlines.z(image)
            contour.ContourData = [ordinate for x, y in points for ordinate in (x, y, z)]
            contours.append(contour)
    item = Dataset()
    item.ROIDisplayColor = list(structure.colour)
    item.ContourSequence = contours
    item.ReferencedROINumber = structure.number
    return item


def _ellipses(
    outlines: HeadOutlines, number: int, image: int, target_radius: float
) -> list[Ellipse]:
    if number == treatment.ROI_EXTERNAL:
        return [outlines.external(image)]
    if number == treatment.ROI_BRAIN:
        return [outlines.brain(image)]
    if number == treatment.ROI_VENTRICLES:
        return outlines.ventricles(image)
    x, y, z = treatment.ISOCENTRE
    radius = math.sqrt(target_radius**2 - (outlines.z(image) - z) ** 2)
    return [Ellipse((x, y), (radius, radius))]
