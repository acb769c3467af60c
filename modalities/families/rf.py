"""X-Ray Radiofluoroscopic Image Storage (PS3.3 A.16): a barium swallow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import XRayRadiofluoroscopicImageStorage

from modalities.families import family
from modalities.iods.x_ray_cine import describe_cine, describe_contrast, describe_x_ray
from modalities.phantoms.marks import Mask, console_text
from modalities.phantoms.projection import Grain, table
from modalities.phantoms.swallow import LEVELS, MOST, Swallow
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

_FRAMES_PER_SECOND: Final = 8
_WHITE: Final = 255
#: Noise, in levels.
_NOISE: Final = 12


@family(
    "RF",
    title="Radiofluoroscopy, barium swallow cine",
    sop_class=XRayRadiofluoroscopicImageStorage,
    pixels=PixelFormat(bits=8),
    size=(512, 512),
    frames=16,
)
def rf(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """One mouthful after another."""
    _describe_series(plan, shared)
    tones = table(_brightness, MOST, LEVELS, _WHITE).astype(np.uint8)
    swallow, grain = Swallow(plan), Grain(plan, _NOISE)
    for number in range(1, plan.images + 1):
        image = plan.object(shared, XRayRadiofluoroscopicImageStorage, number)
        image.AcquisitionNumber = number
        text = console_text(plan, number)
        image.BurnedInAnnotation = "YES" if text.any() else "NO"
        plan.set_pixels(image, _frames(plan, swallow, tones, grain, text, number))
        yield image


def _frames(
    plan: StudyPlan,
    swallow: Swallow,
    tones: NDArray[np.uint8],
    grain: Grain,
    text: Mask,
    number: int,
) -> Iterator[NDArray[np.uint8]]:
    for frame in range(plan.frames):
        seen = swallow.frame((frame + 0.5) / plan.frames) + grain.of(frame + number)
        pixels = tones[np.clip(seen, 0, LEVELS - 1)]
        pixels[text] = _WHITE
        yield pixels


def _brightness(attenuation: float) -> float:
    """Bone and barium bright, as on film."""
    return 1.15 / (1 + math.exp(-(attenuation - 2.7) / 0.95)) - 0.06


def _describe_series(plan: StudyPlan, shared: Dataset) -> None:
    """General Series, X-Ray Image and XRF Positioner modules (PS3.3 C.8.7.1, C.8.7.6)."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 26
    shared.SeriesDescription = "Oesophagus phantom, barium swallow"
    shared.ProtocolName = "SIMULATED SWALLOW"
    shared.BodyPartExamined = "ESOPHAGUS"
    shared.PatientOrientation = ["L", "F"]
    shared.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    shared.PixelIntensityRelationship = "DISP"
    shared.ColumnAngulation = 0
    shared.EstimatedRadiographicMagnificationFactor = 1.466667
    describe_cine(plan, shared, _FRAMES_PER_SECOND)
    describe_x_ray(plan, shared, kilovolts=102, milliamperes=12, setting="GR")
    describe_contrast(shared, "BARIUM SULFATE", "ORAL")
    shared.WindowCenter, shared.WindowWidth = 128, 256
