"""Modules that the digital X-ray IODs share (PS3.3 A.26 to A.28): DX, mammography."""

from __future__ import annotations

from typing import Final

from pydicom import Dataset

from dicom.datasets.codes import Code, dcm
from modalities.studies.plan import StudyPlan

#: Purpose of a reference from an image to be looked at to the one that it was made from (CID 7202).
FOR_PROCESSING_PREDECESSOR: Final = dcm("121358", "For Processing predecessor")


def describe_presentation(shared: Dataset) -> None:
    """DX Series and DX Image modules (PS3.3 C.8.11.1, C.8.11.3), and a window, of images that are
    ready to be looked at: pixel values are P-values, high ones where much attenuates."""
    shared.PresentationIntentType = "FOR PRESENTATION"
    shared.PixelIntensityRelationship, shared.PixelIntensityRelationshipSign = "LOG", -1
    shared.PresentationLUTShape = "IDENTITY"
    _describe_rescale(shared)
    shared.WindowCenter, shared.WindowWidth = 2048, 4096
    shared.WindowCenterWidthExplanation = "NORMAL"


def describe_processing(shared: Dataset) -> None:
    """The same of MONOCHROME1 images as the detector gives them: pixel values are proportional to
    the intensity that arrived."""
    shared.PresentationIntentType = "FOR PROCESSING"
    shared.PixelIntensityRelationship, shared.PixelIntensityRelationshipSign = "LIN", 1
    shared.PresentationLUTShape = "INVERSE"  # high values, where little attenuates, are dark
    _describe_rescale(shared)


def _describe_rescale(shared: Dataset) -> None:
    shared.RescaleIntercept, shared.RescaleSlope, shared.RescaleType = 0, 1, "US"
    shared.BurnedInAnnotation = "NO"  # a lead letter tells nobody's name


def describe_detector(
    plan: StudyPlan, shared: Dataset, field_mm: tuple[float, float], scintillator: str
) -> None:
    """DX Detector module (PS3.3 C.8.11.4).

    Args:
        field_mm: height and width of the field of view, which the image fills.
        scintillator: Detector Type, such as ``SCINTILLATOR`` or ``DIRECT``.
    """
    shared.DetectorType = scintillator
    shared.DetectorConfiguration = "AREA"
    shared.DetectorID = "SIM-1"
    shared.DateOfLastDetectorCalibration = shared.StudyDate
    shared.DetectorConditionsNominalFlag = "YES"
    spacing = [round(field_mm[0] / plan.rows, 6), round(field_mm[1] / plan.columns, 6)]
    shared.ImagerPixelSpacing = spacing
    shared.DetectorElementSpacing = spacing
    shared.DetectorBinning = [1, 1]
    shared.FieldOfViewShape = "RECTANGLE"
    shared.FieldOfViewDimensions = [round(field_mm[0]), round(field_mm[1])]


def describe_exposure(shared: Dataset, *, kilovolts: float, milliamperes: int, ms: int) -> None:
    """X-Ray Acquisition Dose and Generation modules (PS3.3 C.8.7.2, C.8.7.3)."""
    shared.KVP = kilovolts
    shared.XRayTubeCurrent = milliamperes
    shared.ExposureTime = ms
    shared.Exposure = round(milliamperes * ms / 1000)
    shared.ExposureInuAs = milliamperes * ms


def set_view(
    image: Dataset, *, region: Code, view: Code, laterality: str, modifiers: tuple[Code, ...] = ()
) -> None:
    """DX Anatomy Imaged and the view of DX Positioning (PS3.3 C.8.11.2, C.8.11.5), and the
    Acquisition Context module (C.7.6.14), which says nothing.

    Args:
        laterality: Image Laterality: ``R``, ``L``, ``B`` or ``U``.
        modifiers: of the view.
    """
    image.ImageLaterality = laterality
    image.AnatomicRegionSequence = [region.item()]
    item = view.item()
    item.ViewModifierCodeSequence = [each.item() for each in modifiers]
    image.ViewCodeSequence = [item]
    image.AcquisitionContextSequence = []
