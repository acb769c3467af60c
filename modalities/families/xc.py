"""VL Photographic Image Storage (PS3.3 A.32.4): photographs of a mole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydicom import Dataset
from pydicom.uid import VLPhotographicImageStorage

from dicom.datasets.codes import Code
from modalities.families import family
from modalities.iods.visible_light import describe_visible_light, set_region
from modalities.phantoms.projection import moved
from modalities.phantoms.skin import photograph
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

_FOREARM: Final = Code("14975008", "SCT", "Forearm")
_TEXT: Final = (255, 255, 255)


@family(
    "XC",
    title="Clinical photographs of skin",
    sop_class=VLPhotographicImageStorage,
    pixels=PixelFormat(photometric="RGB"),
    size=(480, 640),
)
def xc(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """The same motif from a hand that is not quite still."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 29
    shared.SeriesDescription = "Skin phantom, photographs"
    shared.Laterality = "L"
    describe_visible_light(shared)
    motif = photograph(plan)
    for number in range(1, plan.images + 1):
        image = plan.object(shared, VLPhotographicImageStorage, number)
        set_region(image, _FOREARM)
        image.AcquisitionNumber = number
        off = (number - 1) % 7
        pixels = moved(motif, off * plan.rows // 240, -off * plan.columns // 160)
        burnt = plan.burn(pixels, _TEXT, number)
        image.BurnedInAnnotation = "YES" if burnt else "NO"
        plan.set_pixels(image, pixels)
        yield image
