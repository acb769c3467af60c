"""Breast Tomosynthesis Image Storage (PS3.3 A.55): slices through a compressed breast."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.tag import Tag
from pydicom.uid import BreastTomosynthesisImageStorage

from modalities.families import family
from modalities.iods.mammography import (
    BREAST,
    COMPRESSED_MM,
    FIELD_MM,
    VIEW_CODES,
    angle,
    describe_compression,
    direction_cosines,
    view_marks,
)
from modalities.phantoms.breast import MOST, VIEWS, Breast, View
from modalities.phantoms.projection import Grain, levels, table
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

_BITS: Final = 10
_LEVELS: Final = 1024
#: Noise, in levels.
_NOISE: Final = 6
_FRAME_TYPE: Final = ("DERIVED", "PRIMARY", "TOMOSYNTHESIS", "NONE")
#: From the first to the last projection, degrees, and how many there are.
_SWEEP: Final = 15.0
_PROJECTIONS: Final = 15
#: Of one projection.
_EXPOSURE_MS, _EXPOSURE_MAS = 30.0, 3.6


@family(
    "MG-TOMO",
    title="Breast tomosynthesis, enhanced multi-frame",
    sop_class=BreastTomosynthesisImageStorage,
    modality="MG",
    pixels=PixelFormat(bits=_BITS),
    size=(640, 520),
    frames=13,
)
def mg_tomo(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """RCC, LCC, RMLO, LMLO, and again; each a stack of slices from the paddle down."""
    _describe_series(plan, shared)
    tones = table(_tone, MOST, _LEVELS, (1 << _BITS) - 1)
    grain = Grain(plan, _NOISE)
    for number in range(1, plan.images + 1):
        view = VIEWS[(number - 1) % len(VIEWS)]
        image = plan.object(shared, BreastTomosynthesisImageStorage, number)
        _describe_view(image, view)
        _describe_stack(plan, image)
        image.SharedFunctionalGroupsSequence = [_shared_groups(plan, view)]
        image.PerFrameFunctionalGroupsSequence = [
            _frame_groups(plan, image, view, frame) for frame in range(plan.frames)
        ]
        plan.set_pixels(image, _frames(plan, view, tones, grain, number))
        yield image


def _frames(
    plan: StudyPlan, view: View, tones: NDArray[np.uint16], grain: Grain, number: int
) -> Iterator[NDArray[np.uint16]]:
    breast, marks = Breast(plan, view), view_marks(plan, view)
    for frame in range(plan.frames):
        drawn = levels(breast.slice((frame + 0.5) / plan.frames), MOST, _LEVELS)
        pixels = tones[np.clip(drawn + grain.of(number + frame), 0, _LEVELS - 1)]
        pixels[marks] = (1 << _BITS) - 1
        yield pixels


def _tone(attenuation: float) -> float:
    """Flatter than a mammogram's: a slice has less in it."""
    return 1.1 / (1 + math.exp(-(attenuation - 1.6) / 0.5)) - 0.05


def _describe_series(plan: StudyPlan, shared: Dataset) -> None:
    """Enhanced Mammography Series, Frame of Reference and X-Ray 3D Image modules (PS3.3 C.8.11.8,
    C.8.21.1)."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 24
    shared.SeriesDescription = "Breast phantom, tomosynthesis"
    shared.ProtocolName = "SIMULATED TOMOSYNTHESIS"
    shared.BodyPartExamined = "BREAST"
    # the compressed breast is nowhere near where a CT would see it
    shared.FrameOfReferenceUID = plan.uid("frame of reference")
    shared.PositionReferenceIndicator = None
    shared.ImageType = list(_FRAME_TYPE)
    shared.PixelPresentation = "MONOCHROME"
    shared.VolumetricProperties = "VOLUME"
    shared.VolumeBasedCalculationTechnique = "NONE"
    shared.PresentationLUTShape = "IDENTITY"
    shared.ContentQualification = "RESEARCH"
    shared.BurnedInAnnotation = "NO"
    del shared.AcquisitionDate, shared.AcquisitionTime  # not in this IOD
    shared.BreastImplantPresent = "NO"
    shared.PartialView = "NO"


def _describe_view(image: Dataset, view: View) -> None:
    """Breast View, X-Ray 3D Acquisition and Reconstruction (PS3.3 C.8.21.2, C.8.21.3)."""
    code = VIEW_CODES[view.projection].item()
    code.ViewModifierCodeSequence = []
    image.ViewCodeSequence = [code]
    image.AcquisitionContextSequence = []
    image.XRay3DAcquisitionSequence = [_acquisition(view)]
    reconstruction = Dataset()
    reconstruction.ReconstructionDescription = "SIMULATED"
    reconstruction.ApplicationName = "pacslab"
    reconstruction.ApplicationVersion = "1"
    reconstruction.ApplicationManufacturer = "pacslab"
    reconstruction.AlgorithmType = "FILTER_BACK_PROJ"
    reconstruction.AcquisitionIndex = 1
    image.XRay3DReconstructionSequence = [reconstruction]


def _acquisition(view: View) -> Dataset:
    acquisition = Dataset()
    acquisition.KVP = 31
    acquisition.FieldOfViewShape = "RECTANGLE"
    acquisition.FieldOfViewDimensionsInFloat = [float(FIELD_MM[0]), float(FIELD_MM[1])]
    acquisition.FieldOfViewOrigin = [0.0, 0.0]
    acquisition.DistanceSourceToDetector = 700
    acquisition.DistanceSourceToPatient = 640
    acquisition.EstimatedRadiographicMagnificationFactor = 1.09375
    acquisition.AnodeTargetMaterial = "TUNGSTEN"
    acquisition.ExposureControlMode = "AUTOMATIC"
    acquisition.ExposureControlModeDescription = "Simulated"
    acquisition.XRayReceptorType = "DIGITAL_DETECTOR"
    acquisition.DetectorTemperature = 27
    acquisition.PaddleDescription = "24 X 29 CM"
    acquisition.XRayTubeCurrentInmA = 120.0
    acquisition.ExposureTimeInms = _PROJECTIONS * _EXPOSURE_MS
    acquisition.ExposureInmAs = _PROJECTIONS * _EXPOSURE_MAS
    acquisition.FocalSpots = 0.3
    acquisition.HalfValueLayer = 0.55
    acquisition.EntranceDoseInmGy = 6.1
    acquisition.OrganDose = 0.016  # dGy
    acquisition.FilterType = "STRIP"
    acquisition.FilterMaterial = "ALUMINUM"
    acquisition.FilterThicknessMinimum, acquisition.FilterThicknessMaximum = 0.7, 0.7
    acquisition.PrimaryPositionerScanArc = _SWEEP
    acquisition.PrimaryPositionerScanStartAngle = angle(view) - _SWEEP / 2
    acquisition.PrimaryPositionerIncrement = _SWEEP / (_PROJECTIONS - 1)
    acquisition.PerProjectionAcquisitionSequence = [
        _projection(view, number) for number in range(_PROJECTIONS)
    ]
    describe_compression(acquisition)
    return acquisition


def _projection(view: View, number: int) -> Dataset:
    """One of the exposures, counted from 0."""
    projection = Dataset()
    projection.PositionerPrimaryAngle = round(
        angle(view) + _SWEEP * (number / (_PROJECTIONS - 1) - 0.5), 3
    )
    projection.ExposureTimeInms = _EXPOSURE_MS
    projection.ExposureInmAs = _EXPOSURE_MAS
    projection.RelativeXRayExposure = 320
    return projection


def _describe_stack(plan: StudyPlan, image: Dataset) -> None:
    """Multi-frame Dimension module (PS3.3 C.7.6.17): frames are counted in a stack."""
    organization = Dataset()
    organization.DimensionOrganizationUID = plan.uid("dimensions", image.InstanceNumber)
    image.DimensionOrganizationSequence = [organization]
    image.DimensionOrganizationType = "3D"
    indexes = []
    for keyword in ("StackID", "InStackPositionNumber"):
        index = Dataset()
        index.DimensionOrganizationUID = organization.DimensionOrganizationUID
        index.DimensionIndexPointer = Tag(keyword)
        index.FunctionalGroupPointer = Tag("FrameContentSequence")
        index.DimensionDescriptionLabel = keyword
        indexes.append(index)
    image.DimensionIndexSequence = indexes


def _shared_groups(plan: StudyPlan, view: View) -> Dataset:
    """Functional groups that all frames share."""
    measures = Dataset()
    measures.PixelSpacing = [
        round(FIELD_MM[0] / plan.rows, 6),
        round(FIELD_MM[1] / plan.columns, 6),
    ]
    measures.SliceThickness = round(COMPRESSED_MM / plan.frames, 6)
    orientation = Dataset()
    row, column, _ = direction_cosines(view)
    orientation.ImageOrientationPatient = [*row, *column]
    anatomy = Dataset()
    anatomy.FrameLaterality = view.side
    anatomy.AnatomicRegionSequence = [BREAST.item()]
    values = Dataset()
    values.RescaleIntercept, values.RescaleSlope, values.RescaleType = 0, 1, "US"
    window = Dataset()
    window.WindowCenter, window.WindowWidth = 1 << _BITS - 1, 1 << _BITS
    groups = Dataset()
    groups.PixelMeasuresSequence = [measures]
    groups.PlaneOrientationSequence = [orientation]
    groups.FrameAnatomySequence = [anatomy]
    groups.PixelValueTransformationSequence = [values]
    groups.FrameVOILUTSequence = [window]
    return groups


def _frame_groups(plan: StudyPlan, image: Dataset, view: View, frame: int) -> Dataset:
    """Functional groups of the ``frame``-th frame, counted from 0."""
    content = Dataset()
    content.StackID = "1"
    content.InStackPositionNumber = frame + 1
    content.DimensionIndexValues = [1, frame + 1]
    content.FrameAcquisitionNumber = image.InstanceNumber
    position = Dataset()
    *_, through = direction_cosines(view)
    depth = frame * COMPRESSED_MM / plan.frames
    position.ImagePositionPatient = [round(each * depth, 4) for each in through]
    kind = Dataset()
    kind.FrameType = list(_FRAME_TYPE)
    kind.PixelPresentation = "MONOCHROME"
    kind.VolumetricProperties = "VOLUME"
    kind.VolumeBasedCalculationTechnique = "NONE"
    kind.ReconstructionIndex = 1
    groups = Dataset()
    groups.XRay3DFrameTypeSequence = [kind]
    groups.FrameContentSequence = [content]
    groups.PlanePositionSequence = [position]
    return groups
