"""MR Image Storage (PS3.3 A.4): a T1-weighted head, spin echo, axial slices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydicom import Dataset
from pydicom.uid import MRImageStorage

from modalities.families import family
from modalities.phantoms.mr_head import MrHead, heights
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

_FIELD_OF_VIEW_MM: Final = 240.0
_THICKNESS_MM: Final = 5.0
#: From the middle of a slice to that of the next: with a gap against cross-talk.
_SPACING_MM: Final = 6.0
_TESLA: Final = 1.5
#: Larmor frequency of hydrogen.
_MHZ_PER_TESLA: Final = 42.577


@family(
    "MR",
    title="MR head, T1-weighted axial slices",
    sop_class=MRImageStorage,
    pixels=PixelFormat(bits=12),
    spans=True,
    size=(256, 256),
)
def mr(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Axial slices from below to above the head."""
    _describe_series(plan, shared)
    _describe_acquisition(plan, shared)
    head = MrHead(plan)
    across, down = _FIELD_OF_VIEW_MM / plan.columns, _FIELD_OF_VIEW_MM / plan.rows
    half = _FIELD_OF_VIEW_MM / 2
    for number, height in enumerate(heights(plan.images), start=1):
        image = plan.object(shared, MRImageStorage, number)
        z = (number - 1) * _SPACING_MM
        image.ImagePositionPatient = [round(across / 2 - half, 6), round(down / 2 - half, 6), z]
        image.SliceLocation = z
        plan.set_pixels(image, head.slice(height, number))
        yield image


def _describe_series(plan: StudyPlan, shared: Dataset) -> None:
    """General Series, Frame of Reference, General Image, Image Plane and VOI LUT modules."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 2
    shared.SeriesDescription = "Head phantom, T1 axial"
    shared.ProtocolName = "SIMULATED T1 SE"
    shared.BodyPartExamined = "HEAD"
    shared.PatientPosition = "HFS"
    # another scanner than the CT's, so another frame of reference
    shared.FrameOfReferenceUID = plan.shared_uid("MR frame of reference")
    shared.PositionReferenceIndicator = None
    shared.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    shared.AcquisitionNumber = 1
    shared.BurnedInAnnotation = "NO"
    shared.SliceThickness = _THICKNESS_MM
    shared.SpacingBetweenSlices = _SPACING_MM
    shared.PixelSpacing = [
        round(_FIELD_OF_VIEW_MM / plan.rows, 6),
        round(_FIELD_OF_VIEW_MM / plan.columns, 6),
    ]
    shared.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.WindowCenter, shared.WindowWidth = 600, 1200


def _describe_acquisition(plan: StudyPlan, shared: Dataset) -> None:
    """MR Image module (PS3.3 C.8.3.1)."""
    shared.ScanningSequence = "SE"
    shared.SequenceVariant = "NONE"
    shared.ScanOptions = ""
    shared.MRAcquisitionType = "2D"
    shared.SequenceName = "se2d1"
    shared.AngioFlag = "N"
    shared.RepetitionTime, shared.EchoTime = 500, 12
    shared.EchoTrainLength = shared.EchoNumbers = 1
    shared.NumberOfAverages = 1
    shared.FlipAngle = 90
    shared.ImagedNucleus = "1H"
    shared.MagneticFieldStrength = _TESLA
    shared.ImagingFrequency = round(_TESLA * _MHZ_PER_TESLA, 4)
    shared.PixelBandwidth = 130
    shared.PercentSampling = shared.PercentPhaseFieldOfView = 100
    shared.AcquisitionMatrix = [0, plan.columns, plan.rows, 0]
    shared.InPlanePhaseEncodingDirection = "COL"
    shared.ReceiveCoilName = "HEAD"
    shared.VariableFlipAngleFlag = "N"
    shared.SAR = 0.6
    shared.dBdt = 0
