"""Positron Emission Tomography Image Storage (PS3.3 A.21): FDG in the head, with a hot lesion.

Slices lie where those of the CT lie, so that both can be fused. Stored values are corrected for
decay to the start of the acquisition; with the patient's weight they give SUV by body weight.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from pydicom import Dataset
from pydicom.uid import PositronEmissionTomographyImageStorage

from dicom.datasets.codes import Code
from modalities.families import family
from modalities.phantoms.fdg_head import FdgHead
from modalities.phantoms.head_outlines import FIELD_OF_VIEW, SLICE_SPACING
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

#: Of fluorine-18.
_HALF_LIFE_S, _POSITRON_FRACTION = 6586.2, 0.9673
#: From injection to the start of the acquisition, and how long that takes.
_UPTAKE_S, _FRAME_S = 3600, 600
_INJECTED_BQ: Final = 250e6
_LARGEST_STORED: Final = 30_000
#: What is left of the injected activity when the acquisition starts.
_LEFT: Final = 0.5 ** (_UPTAKE_S / _HALF_LIFE_S)
#: By what counts over the frame are scaled up to its start.
_DECAYED: Final = math.log(2) * _FRAME_S / _HALF_LIFE_S
_DECAY_FACTOR: Final = _DECAYED / (1 - math.exp(-_DECAYED))


@family(
    "PT",
    title="PET head with a hot lesion, axial slices to fuse with the CT's",
    sop_class=PositronEmissionTomographyImageStorage,
    pixels=PixelFormat(bits=16, signed=True),
    spans=True,
    size=(256, 256),
)
def pt(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Axial slices at the heights of the CT's."""
    # becquerels per millilitre of an SUV of 1, one gram being taken as one millilitre
    unit = _INJECTED_BQ * _LEFT / (float(shared.PatientWeight) * 1000)
    _describe_series(plan, shared)
    _describe_acquisition(plan, shared)
    # SUV 0 to 10
    shared.WindowCenter, shared.WindowWidth = round(5 * unit), round(10 * unit)
    head = FdgHead(plan)
    for number in range(1, plan.images + 1):
        image = plan.object(shared, PositronEmissionTomographyImageStorage, number)
        _describe_patient_and_tracer(image)
        image.ImagePositionPatient = [
            round((1 / plan.columns - 1) * FIELD_OF_VIEW / 2, 6),
            round((1 / plan.rows - 1) * FIELD_OF_VIEW / 2, 6),
            head.z(number),
        ]
        image.SliceLocation = head.z(number)
        image.ImageIndex = number
        concentration = head.slice(number) * np.float32(unit)
        # each slice has a slope of its own, as scanners give it, to lose little by rounding
        slope = round(max(float(concentration.max()), 1.0) / _LARGEST_STORED, 6)
        image.RescaleIntercept, image.RescaleSlope = 0, slope
        stored = concentration / np.float32(slope) + np.float32(0.5)
        plan.set_pixels(image, stored.astype(np.int16))
        yield image


def _describe_series(plan: StudyPlan, shared: Dataset) -> None:
    """General Series, Frame of Reference, General Image and Image Plane modules."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 6
    shared.SeriesDescription = "Head phantom, FDG, attenuation corrected"
    shared.ProtocolName = "SIMULATED FDG"
    shared.BodyPartExamined = "HEAD"
    shared.FrameOfReferenceUID = plan.frame_of_reference_uid
    shared.PositionReferenceIndicator = None
    shared.ImageType = ["ORIGINAL", "PRIMARY"]
    shared.AcquisitionNumber = 1
    shared.BurnedInAnnotation = "NO"
    shared.SliceThickness = SLICE_SPACING
    shared.PixelSpacing = [
        round(FIELD_OF_VIEW / plan.rows, 6),
        round(FIELD_OF_VIEW / plan.columns, 6),
    ]
    shared.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]


def _describe_acquisition(plan: StudyPlan, shared: Dataset) -> None:
    """PET Series and PET Image modules (PS3.3 C.8.9.1 and C.8.9.4)."""
    shared.Units = "BQML"
    shared.SUVType = "BW"
    shared.CountsSource = "EMISSION"
    shared.SeriesType = ["STATIC", "IMAGE"]
    shared.NumberOfSlices = plan.images
    shared.CorrectedImage = ["NORM", "DTIM", "RAN", "ATTN", "SCAT", "DECY"]
    shared.RandomsCorrectionMethod = "DLYD"
    shared.AttenuationCorrectionMethod = "measured, CT"
    shared.ScatterCorrectionMethod = "model-based"
    shared.DecayCorrection = "START"
    shared.ReconstructionMethod = "OSEM 3i21s"
    shared.ConvolutionKernel = "GAUSS 5 mm"
    shared.CollimatorType = "NONE"
    shared.ActualFrameDuration = _FRAME_S * 1000
    # where the decaying activity had its mean, after the start
    mean = math.log(_DECAY_FACTOR) * _HALF_LIFE_S / math.log(2)
    shared.FrameReferenceTime = round(mean * 1000)
    shared.DecayFactor = round(_DECAY_FACTOR, 6)
    shared.ScatterFractionFactor = 0.32
    shared.DeadTimeFactor = 1.04
    shared.DoseCalibrationFactor = 1


def _describe_patient_and_tracer(image: Dataset) -> None:
    """PET Isotope (PS3.3 C.8.9.2) and NM/PET Patient Orientation (C.8.4.6) modules."""
    acquired = image.AcquisitionDate + image.AcquisitionTime
    injected = datetime.datetime.strptime(acquired, "%Y%m%d%H%M%S") - datetime.timedelta(
        seconds=_UPTAKE_S
    )
    tracer = Dataset()
    tracer.RadionuclideCodeSequence = [Code("77004003", "SCT", "^18^Fluorine").item()]
    tracer.RadiopharmaceuticalCodeSequence = [
        Code("35321007", "SCT", "Fluorodeoxyglucose F^18^").item()
    ]
    tracer.Radiopharmaceutical = "FDG"
    tracer.RadiopharmaceuticalRoute = "INTRAVENOUS"
    tracer.AdministrationRouteCodeSequence = [Code("47625008", "SCT", "Intravenous route").item()]
    tracer.RadiopharmaceuticalVolume = 3
    tracer.RadiopharmaceuticalStartTime = injected.strftime("%H%M%S")
    tracer.RadiopharmaceuticalStartDateTime = injected.strftime("%Y%m%d%H%M%S")
    tracer.RadionuclideTotalDose = round(_INJECTED_BQ)
    tracer.RadionuclideHalfLife = _HALF_LIFE_S
    tracer.RadionuclidePositronFraction = _POSITRON_FRACTION
    image.RadiopharmaceuticalInformationSequence = [tracer]
    orientation = Code("102538003", "SCT", "recumbent").item()
    orientation.PatientOrientationModifierCodeSequence = [Code("40199007", "SCT", "supine").item()]
    image.PatientOrientationCodeSequence = [orientation]
    image.PatientGantryRelationshipCodeSequence = [Code("102540001", "SCT", "headfirst").item()]
