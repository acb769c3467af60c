"""Digital X-Ray Image Storage - For Presentation (PS3.3 A.26): hands, PA."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from pydicom import Dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation

from modalities.families import family
from modalities.iods.digital_x_ray import FOR_PROCESSING_PREDECESSOR, describe_presentation
from modalities.iods.hand_exposure import LEVELS, MOST, HandExposures, describe_hand, finish
from modalities.iods.references import reference
from modalities.phantoms.projection import table
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

_BITS: Final = 12
_WHITE: Final = (1 << _BITS) - 1


@family(
    "DX",
    title="Digital X-ray of hands, for presentation",
    sop_class=DigitalXRayImageStorageForPresentation,
    modality="DX",
    pixels=PixelFormat(bits=_BITS),
    size=(1024, 820),
)
def dx(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Right and left in turn, each made from the image of DX-PROCESSING with its number."""
    describe_hand(plan, shared)
    describe_presentation(shared)
    shared.SeriesNumber = 21
    shared.SeriesDescription = "Hand phantom, PA"
    shared.ImageType = ["DERIVED", "PRIMARY"]
    shared.DerivationDescription = "Processed for presentation"
    shared.AcquisitionDeviceProcessingDescription = "SIMULATED HAND"
    exposures = HandExposures(plan)
    tones = table(_tone, MOST, LEVELS, _WHITE)
    for number in range(1, plan.images + 1):
        image = plan.object(shared, DigitalXRayImageStorageForPresentation, number)
        finish(image, number)
        source = reference(plan.sibling("DX-PROCESSING"), number)
        source.PurposeOfReferenceCodeSequence = [FOR_PROCESSING_PREDECESSOR.item()]
        image.SourceImageSequence = [source]
        pixels = tones[exposures.levels(number)]
        exposures.mark(pixels, _WHITE, number)
        plan.set_pixels(image, pixels)
        yield image


def _tone(attenuation: float) -> float:
    """Black air, dark flesh, bright bone."""
    return 1.12 / (1 + math.exp(-(attenuation - 1.7) / 0.62)) - 0.06
