"""Grayscale Softcopy Presentation State Storage (PS3.3 A.33.1): how to show the study's CT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydicom import Dataset
from pydicom.uid import GrayscaleSoftcopyPresentationStateStorage

from modalities.families import family
from modalities.iods.derived_series import ACQUISITION, CONTENT, describe_series
from modalities.iods.references import (
    REFERENCED_IMAGES,
    image_references,
    image_series,
    reference,
    referenced_ct,
)
from modalities.phantoms.head_outlines import FIELD_OF_VIEW, Ellipse, HeadOutlines
from modalities.studies.plan import StudyPlan

_LAYER: Final = "FINDINGS"
#: The slice that has ventricles to point at.
_MIDDLE: Final = 2
#: Names of the states, and their windows in HU.
_STATES: Final = (
    ("BRAIN", "Brain window", 40, 80),
    ("BONE", "Bone window", 500, 2000),
    ("SUBDURAL", "Subdural window", 75, 215),
)


@family(
    "PR",
    title="How to show the CT: window and annotation",
    sop_class=GrayscaleSoftcopyPresentationStateStorage,
)
def pr(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """States that differ in their window; each circles the left ventricle."""
    describe_series(plan, shared, 303, "Presentation states", without=(*ACQUISITION, *CONTENT))
    shared.PresentationCreationDate = shared.StudyDate
    shared.PresentationCreationTime = shared.StudyTime
    shared.BodyPartExamined = "HEAD"
    shared.ContentCreatorName = "NOBODY^REPORTING"
    # a presentation state has to say again what its images say (PS3.3 A.33.1.2)
    shared.RescaleIntercept, shared.RescaleSlope, shared.RescaleType = -1024, 1, "HU"
    shared.PresentationLUTShape = "IDENTITY"
    for number in range(1, plan.images + 1):
        label, description, centre, width = _STATES[(number - 1) % len(_STATES)]
        state = plan.object(shared, GrayscaleSoftcopyPresentationStateStorage, number)
        state.ContentLabel, state.ContentDescription = label, description
        state.ReferencedSeriesSequence = [image_series(plan)]
        state.SoftcopyVOILUTSequence = [_window(plan, centre, width)]
        state.DisplayedAreaSelectionSequence = [_whole_image(plan)]
        state.GraphicAnnotationSequence = [_annotation(plan)]
        state.GraphicLayerSequence = [_layer()]
        yield state


def _window(plan: StudyPlan, centre: int, width: int) -> Dataset:
    item = Dataset()
    item.ReferencedImageSequence = image_references(plan)
    item.WindowCenter, item.WindowWidth = centre, width
    return item


def _whole_image(plan: StudyPlan) -> Dataset:
    ct = referenced_ct(plan)
    item = Dataset()
    item.ReferencedImageSequence = image_references(plan)
    item.DisplayedAreaTopLeftHandCorner = [1, 1]
    item.DisplayedAreaBottomRightHandCorner = [ct.columns, ct.rows]
    item.PresentationSizeMode = "SCALE TO FIT"
    item.PresentationPixelSpacing = [
        round(FIELD_OF_VIEW / ct.rows, 6),
        round(FIELD_OF_VIEW / ct.columns, 6),
    ]
    return item


def _annotation(plan: StudyPlan) -> Dataset:
    ct = referenced_ct(plan)
    ventricle = HeadOutlines(REFERENCED_IMAGES, ct.rows, ct.columns).ventricles(_MIDDLE)[1]
    x, y = ventricle.centre
    around = Ellipse((x, y), (ventricle.semi_axes[0] + 5, ventricle.semi_axes[1] + 5))
    item = Dataset()
    item.ReferencedImageSequence = [reference(ct, _MIDDLE)]
    item.GraphicLayer = _LAYER
    item.TextObjectSequence = [_label(ct, around)]
    item.GraphicObjectSequence = [_circle(ct, around)]
    return item


def _circle(ct: StudyPlan, around: Ellipse) -> Dataset:
    points = around.points()
    item = Dataset()
    item.GraphicAnnotationUnits = "PIXEL"
    item.GraphicDimensions = 2
    item.NumberOfGraphicPoints = len(points) + 1
    item.GraphicData = [each for point in [*points, points[0]] for each in _pixel(ct, *point)]
    item.GraphicType = "POLYLINE"
    item.GraphicFilled = "N"
    return item


def _label(ct: StudyPlan, around: Ellipse) -> Dataset:
    item = Dataset()
    item.AnchorPointAnnotationUnits = "PIXEL"
    item.UnformattedTextValue = "LEFT VENTRICLE"
    right, middle = around.centre[0] + around.semi_axes[0], around.centre[1]
    item.AnchorPoint = _pixel(ct, right, middle)
    item.AnchorPointVisibility = "Y"
    return item


def _layer() -> Dataset:
    item = Dataset()
    item.GraphicLayer = _LAYER
    item.GraphicLayerOrder = 1
    item.GraphicLayerDescription = "What the report names"
    return item


def _pixel(ct: StudyPlan, x: float, y: float) -> list[float]:
    """Column and row of a point in patient coordinates (mm); the centre of the first pixel is
    0.5, 0.5 (PS3.3 C.10.5.1.2)."""
    half = FIELD_OF_VIEW / 2
    column = (x + half) * ct.columns / FIELD_OF_VIEW + 0.5
    row = (y + half) * ct.rows / FIELD_OF_VIEW + 0.5
    return [round(min(max(column, 0.0), ct.columns), 2), round(min(max(row, 0.0), ct.rows), 2)]
