"""VL Endoscopic Image Storage (PS3.3 A.32.1): a colonoscopy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydicom import Dataset
from pydicom.uid import VLEndoscopicImageStorage

from dicom.datasets.codes import Code
from modalities.families import family
from modalities.iods.visible_light import describe_visible_light, set_region
from modalities.phantoms.colon import Colon
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

_COLON: Final = Code("71854001", "SCT", "Colon")
_TEXT: Final = (230, 230, 230)


@family(
    "ES",
    title="Endoscopy, stills of a colon",
    sop_class=VLEndoscopicImageStorage,
    pixels=PixelFormat(photometric="RGB"),
    size=(480, 640),
)
def es(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Stills on the way back."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 28
    shared.SeriesDescription = "Colon phantom, endoscopy"
    shared.ProtocolName = "SIMULATED COLONOSCOPY"
    shared.BodyPartExamined = "COLON"
    describe_visible_light(shared)
    colon = Colon(plan)
    for number in range(1, plan.images + 1):
        image = plan.object(shared, VLEndoscopicImageStorage, number)
        set_region(image, _COLON)
        image.AcquisitionNumber = number
        pixels = colon.frame(number)
        burnt = plan.burn(pixels, _TEXT, number)
        image.BurnedInAnnotation = "YES" if burnt else "NO"
        plan.set_pixels(image, pixels)
        yield image
