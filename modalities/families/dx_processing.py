"""Digital X-Ray Image Storage - For Processing (PS3.3 A.26): hands as the detector saw them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from pydicom import Dataset
from pydicom.uid import DigitalXRayImageStorageForProcessing

from modalities.families import family
from modalities.iods.digital_x_ray import describe_processing
from modalities.iods.hand_exposure import LEVELS, MOST, HandExposures, describe_hand, finish
from modalities.phantoms.projection import table
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

_BITS: Final = 14
#: What unattenuated radiation is stored as: below saturation.
_UNATTENUATED: Final = 14000
#: Lead, and whatever else nothing gets through.
_DARK: Final = 90


@family(
    "DX-PROCESSING",
    title="Digital X-ray of hands, for processing",
    sop_class=DigitalXRayImageStorageForProcessing,
    modality="DX",
    pixels=PixelFormat(bits=_BITS, photometric="MONOCHROME1"),
    size=(1024, 820),
)
def dx_processing(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Right and left in turn."""
    describe_hand(plan, shared)
    describe_processing(shared)
    shared.SeriesNumber = 22
    shared.SeriesDescription = "Hand phantom, PA, unprocessed"
    shared.ImageType = ["ORIGINAL", "PRIMARY"]
    exposures = HandExposures(plan)
    intensities = table(lambda attenuation: math.exp(-attenuation), MOST, LEVELS, _UNATTENUATED)
    for number in range(1, plan.images + 1):
        image = plan.object(shared, DigitalXRayImageStorageForProcessing, number)
        finish(image, number)
        pixels = intensities[exposures.levels(number)]
        exposures.mark(pixels, _DARK, number)
        plan.set_pixels(image, pixels)
        yield image
