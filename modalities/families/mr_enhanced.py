"""Enhanced MR Image Storage (PS3.3 A.36.2): the T1-weighted head, one multi-frame object a stack.

Several objects are repetitions of the same stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import EnhancedMRImageStorage

from dicom.datasets.codes import Code
from modalities.families import family
from modalities.phantoms.mr_head import MrHead, heights
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

_FIELD_OF_VIEW_MM: Final = 240.0
_THICKNESS_MM: Final = 5.0
#: From the middle of a slice to that of the next.
_SPACING_MM: Final = 6.0
_TESLA: Final = 3.0
_MHZ_PER_TESLA: Final = 42.577  # Larmor frequency of hydrogen
_REPETITION_MS, _ECHO_MS = 600.0, 10.0
_IMAGE_TYPE: Final = ("ORIGINAL", "PRIMARY", "T1", "NONE")


@family(
    "MR-ENHANCED",
    modality="MR",
    title="MR head, T1-weighted stack in one enhanced multi-frame object",
    sop_class=EnhancedMRImageStorage,
    pixels=PixelFormat(bits=12),
    size=(256, 256),
    frames=16,
)
def mr_enhanced(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """The same stack of axial slices, repeated."""
    _describe_series(plan, shared)
    _describe_acquisition(shared)
    head = MrHead(plan)
    for number in range(1, plan.images + 1):
        image = plan.object(shared, EnhancedMRImageStorage, number)
        image.AcquisitionNumber = number
        image.AcquisitionContextSequence = Sequence()
        _describe_dimensions(plan, image)
        image.SharedFunctionalGroupsSequence = [_shared_groups(plan)]
        image.PerFrameFunctionalGroupsSequence = [
            _frame_groups(plan, image, frame) for frame in range(plan.frames)
        ]
        plan.set_pixels(image, _slices(plan, head, number))
        yield image


def _slices(plan: StudyPlan, head: MrHead, number: int) -> Iterator[NDArray[np.uint16]]:
    for frame, height in enumerate(heights(plan.frames), start=1):
        yield head.slice(height, number * plan.frames + frame)


def _describe_series(plan: StudyPlan, shared: Dataset) -> None:
    """General Series, Frame of Reference and General Image modules."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 3
    shared.SeriesDescription = "Head phantom, T1 axial, enhanced"
    shared.ProtocolName = "SIMULATED T1 SE"
    shared.BodyPartExamined = "HEAD"
    shared.PatientPosition = "HFS"
    # the same scanner as for single slices
    shared.FrameOfReferenceUID = plan.shared_uid("MR frame of reference")
    shared.PositionReferenceIndicator = None
    shared.ImageType = list(_IMAGE_TYPE)
    shared.BurnedInAnnotation = "NO"
    shared.PresentationLUTShape = "IDENTITY"


def _describe_acquisition(shared: Dataset) -> None:
    """Enhanced MR Image (PS3.3 C.8.13.1) and MR Pulse Sequence (C.8.13.4) modules."""
    shared.AcquisitionDateTime = shared.AcquisitionDate + shared.AcquisitionTime
    del shared.AcquisitionDate, shared.AcquisitionTime  # not in this IOD
    shared.AcquisitionDuration = 153.6
    shared.ContentQualification = "RESEARCH"
    shared.ResonantNucleus = "1H"
    shared.KSpaceFiltering = "NONE"
    shared.MagneticFieldStrength = _TESLA
    shared.ApplicableSafetyStandardAgency = "IEC"
    _describe_type(shared)
    shared.PulseSequenceName = "se2d1"
    shared.MRAcquisitionType = "2D"
    shared.EchoPulseSequence = "SPIN"
    shared.MultipleSpinEcho = "NO"
    shared.MultiPlanarExcitation = "NO"
    shared.PhaseContrast = "NO"
    shared.TimeOfFlightContrast = "NO"
    shared.SteadyStatePulseSequence = "NONE"
    shared.EchoPlanarPulseSequence = "NO"
    shared.SpectrallySelectedSuppression = "NONE"
    shared.OversamplingPhase = "NONE"
    shared.GeometryOfKSpaceTraversal = "RECTILINEAR"
    shared.SegmentedKSpaceTraversal = "SINGLE"
    shared.RectilinearPhaseEncodeReordering = "LINEAR"
    shared.SaturationRecovery = "NO"
    shared.NumberOfKSpaceTrajectories = 1


def _describe_type(target: Dataset) -> None:
    """Common CT/MR Image Description macro and MR Image Description macro (C.8.16.2, C.8.13.3)."""
    target.PixelPresentation = "MONOCHROME"
    target.VolumetricProperties = "VOLUME"
    target.VolumeBasedCalculationTechnique = "NONE"
    target.ComplexImageComponent = "MAGNITUDE"
    target.AcquisitionContrast = "T1"


def _describe_dimensions(plan: StudyPlan, image: Dataset) -> None:
    """Multi-frame Dimension module (PS3.3 C.7.6.17): the stack, and the place in it."""
    organization = plan.uid("dimensions")
    image.DimensionOrganizationSequence = [Dataset()]
    image.DimensionOrganizationSequence[0].DimensionOrganizationUID = organization
    image.DimensionOrganizationType = "3D"
    content = Tag("FrameContentSequence")
    image.DimensionIndexSequence = [
        _dimension(organization, Tag("StackID"), content, "Stack"),
        _dimension(organization, Tag("InStackPositionNumber"), content, "Position in stack"),
    ]


def _dimension(organization: str, pointer: BaseTag, group: BaseTag, label: str) -> Dataset:
    item = Dataset()
    item.DimensionOrganizationUID = organization
    item.DimensionIndexPointer = pointer
    item.FunctionalGroupPointer = group
    item.DimensionDescriptionLabel = label
    return item


def _shared_groups(plan: StudyPlan) -> Dataset:
    """Functional groups that hold for every frame (PS3.3 table A.36-2)."""
    groups = Dataset()
    groups.PixelMeasuresSequence = [measures := Dataset()]
    measures.SliceThickness = _THICKNESS_MM
    measures.SpacingBetweenSlices = _SPACING_MM
    measures.PixelSpacing = [
        round(_FIELD_OF_VIEW_MM / plan.rows, 6),
        round(_FIELD_OF_VIEW_MM / plan.columns, 6),
    ]
    groups.PlaneOrientationSequence = [orientation := Dataset()]
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    groups.FrameAnatomySequence = [anatomy := Dataset()]
    anatomy.FrameLaterality = "U"
    anatomy.AnatomicRegionSequence = [Code("69536005", "SCT", "Head").item()]
    groups.FrameVOILUTSequence = [window := Dataset()]
    window.WindowCenter, window.WindowWidth = 600, 1200
    groups.PixelValueTransformationSequence = [rescale := Dataset()]
    rescale.RescaleIntercept, rescale.RescaleSlope, rescale.RescaleType = 0, 1, "US"
    groups.MRImageFrameTypeSequence = [kind := Dataset()]
    kind.FrameType = list(_IMAGE_TYPE)
    _describe_type(kind)
    groups.MRTimingAndRelatedParametersSequence = [_timing()]
    groups.MRFOVGeometrySequence = [_geometry(plan)]
    groups.MREchoSequence = [echo := Dataset()]
    echo.EffectiveEchoTime = _ECHO_MS
    groups.MRModifierSequence = [_modifier()]
    groups.MRImagingModifierSequence = [imaging := Dataset()]
    imaging.MagnetizationTransfer = "NONE"
    imaging.BloodSignalNulling = "NO"
    imaging.Tagging = "NONE"
    imaging.TransmitterFrequency = round(_TESLA * _MHZ_PER_TESLA, 4)
    imaging.PixelBandwidth = 180.0
    groups.MRReceiveCoilSequence = [receive := Dataset()]
    receive.ReceiveCoilName = "HEAD"
    receive.ReceiveCoilManufacturerName = ""
    receive.ReceiveCoilType = "VOLUME"
    receive.QuadratureReceiveCoil = "YES"
    groups.MRTransmitCoilSequence = [transmit := Dataset()]
    transmit.TransmitCoilName = "BODY"
    transmit.TransmitCoilManufacturerName = ""
    transmit.TransmitCoilType = "BODY"
    groups.MRAveragesSequence = [averages := Dataset()]
    averages.NumberOfAverages = 1
    return groups


def _timing() -> Dataset:
    """MR Timing and Related Parameters macro (PS3.3 C.8.13.5.2)."""
    timing = Dataset()
    timing.RepetitionTime = _REPETITION_MS
    timing.FlipAngle = 90
    timing.EchoTrainLength = timing.RFEchoTrainLength = 1
    timing.GradientEchoTrainLength = 0
    rate, field = Dataset(), Dataset()
    rate.SpecificAbsorptionRateDefinition, rate.SpecificAbsorptionRateValue = "IEC_HEAD", 0.8
    timing.SpecificAbsorptionRateSequence = [rate]
    timing.GradientOutputType, timing.GradientOutput = "DB_DT", 12.0
    field.OperatingModeType, field.OperatingMode = "STATIC FIELD", "IEC_NORMAL"
    timing.OperatingModeSequence = [field]
    return timing


def _geometry(plan: StudyPlan) -> Dataset:
    """MR FOV/Geometry macro (PS3.3 C.8.13.5.3)."""
    geometry = Dataset()
    geometry.InPlanePhaseEncodingDirection = "COLUMN"
    geometry.MRAcquisitionFrequencyEncodingSteps = plan.columns
    geometry.MRAcquisitionPhaseEncodingStepsInPlane = plan.rows
    geometry.PercentSampling = geometry.PercentPhaseFieldOfView = 100
    return geometry


def _modifier() -> Dataset:
    """MR Modifier macro (PS3.3 C.8.13.5.5)."""
    modifier = Dataset()
    modifier.InversionRecovery = "NO"
    modifier.FlowCompensation = "NONE"
    modifier.Spoiling = "NONE"
    modifier.T2Preparation = "NO"
    modifier.SpectrallySelectedExcitation = "NONE"
    modifier.SpatialPresaturation = "NONE"
    modifier.PartialFourier = "NO"
    modifier.ParallelAcquisition = "NO"
    return modifier


def _frame_groups(plan: StudyPlan, image: Dataset, frame: int) -> Dataset:
    """What differs from frame to frame: where it lies, and its place among the dimensions."""
    groups = Dataset()
    groups.FrameContentSequence = [content := Dataset()]
    content.FrameAcquisitionNumber = image.AcquisitionNumber
    content.FrameReferenceDateTime = image.AcquisitionDateTime
    content.FrameAcquisitionDateTime = image.AcquisitionDateTime
    content.FrameAcquisitionDuration = image.AcquisitionDuration * 1000
    content.StackID = "1"
    content.InStackPositionNumber = frame + 1
    content.DimensionIndexValues = [1, frame + 1]
    groups.PlanePositionSequence = [position := Dataset()]
    half = _FIELD_OF_VIEW_MM / 2
    position.ImagePositionPatient = [
        round(half / plan.columns - half, 6),
        round(half / plan.rows - half, 6),
        frame * _SPACING_MM,
    ]
    return groups
