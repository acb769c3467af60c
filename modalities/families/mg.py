"""Digital Mammography X-Ray Image Storage - For Presentation (PS3.3 A.27): screening views."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation

from modalities.families import family
from modalities.iods.digital_x_ray import (
    describe_detector,
    describe_exposure,
    describe_presentation,
    set_view,
)
from modalities.iods.mammography import (
    BREAST,
    FIELD_MM,
    VIEW_CODES,
    angle,
    describe_compression,
    patient_orientation,
    view_marks,
)
from modalities.phantoms.breast import MOST, VIEWS, Breast, View
from modalities.phantoms.projection import Grain, levels, table
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

_BITS: Final = 12
_WHITE: Final = (1 << _BITS) - 1
_LEVELS: Final = 4096
#: Noise, in levels.
_NOISE: Final = 18


@family(
    "MG",
    title="Digital mammography, the four screening views",
    sop_class=DigitalMammographyXRayImageStorageForPresentation,
    pixels=PixelFormat(bits=_BITS),
    size=(1024, 832),
)
def mg(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """RCC, LCC, RMLO, LMLO, and again."""
    _describe_series(plan, shared)
    tones = table(_tone, MOST, _LEVELS, _WHITE)
    grain = Grain(plan, _NOISE)
    drawn: dict[View, NDArray[np.int16]] = {}
    for number in range(1, plan.images + 1):
        view = VIEWS[(number - 1) % len(VIEWS)]
        if view not in drawn:
            drawn[view] = levels(Breast(plan, view).projected(), MOST, _LEVELS)
        image = plan.object(shared, DigitalMammographyXRayImageStorageForPresentation, number)
        _describe_view(image, view, number)
        pixels = tones[np.clip(drawn[view] + grain.of(number), 0, _LEVELS - 1)]
        pixels[view_marks(plan, view)] = _WHITE
        plan.set_pixels(image, pixels)
        yield image


def _tone(attenuation: float) -> float:
    """Black air, grey fat, bright glands, white calcium."""
    return 1.1 / (1 + math.exp(-(attenuation - 1.6) / 0.55)) - 0.06


def _describe_series(plan: StudyPlan, shared: Dataset) -> None:
    """General Series, DX and Mammography Series, DX Detector, X-Ray Acquisition Dose modules."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 23
    shared.SeriesDescription = "Breast phantom, screening views"
    shared.ProtocolName = "SIMULATED SCREENING"
    shared.BodyPartExamined = "BREAST"
    shared.ImageType = ["DERIVED", "PRIMARY"]
    shared.DerivationDescription = "Processed for presentation"
    describe_presentation(shared)
    describe_detector(plan, shared, FIELD_MM, "DIRECT")
    describe_exposure(shared, kilovolts=29, milliamperes=100, ms=800)
    describe_compression(shared)
    shared.OrganExposed = "BREAST"
    shared.OrganDose = 0.014  # dGy
    shared.EntranceDoseInmGy = 5.2
    shared.HalfValueLayer = 0.53
    shared.AnodeTargetMaterial = "TUNGSTEN"
    shared.FilterType = "STRIP"
    shared.FilterMaterial = "RHODIUM"
    shared.FilterThicknessMinimum, shared.FilterThicknessMaximum = 0.05, 0.05
    shared.FocalSpots = 0.3
    shared.ExposureControlMode = "AUTOMATIC"
    shared.DistanceSourceToDetector = 700
    shared.DistanceSourceToPatient = 640
    shared.EstimatedRadiographicMagnificationFactor = 1.09375
    shared.PositionerType = "MAMMOGRAPHIC"
    shared.DetectorPrimaryAngle = 0
    shared.QualityControlImage = "NO"


def _describe_view(image: Dataset, view: View, number: int) -> None:
    """Mammography Image module (PS3.3 C.8.11.7) and orientation."""
    set_view(image, region=BREAST, view=VIEW_CODES[view.projection], laterality=view.side)
    image.PatientOrientation = patient_orientation(view)
    image.PositionerPrimaryAngle = angle(view)
    image.BreastImplantPresent = "NO"
    image.PartialView = "NO"
    image.AcquisitionNumber = number
