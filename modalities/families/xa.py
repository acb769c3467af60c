"""X-Ray Angiographic Image Storage (PS3.3 A.14): a coronary angiogram."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import XRayAngiographicImageStorage

from modalities.families import family
from modalities.iods.x_ray_cine import describe_cine, describe_contrast, describe_x_ray
from modalities.phantoms.coronaries import LEVELS, MOST, Coronaries, beat
from modalities.phantoms.marks import Mask, console_text
from modalities.phantoms.projection import Grain, table
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

_FRAMES_PER_SECOND: Final = 15
_BEATS_PER_SECOND: Final = 1.2
_WHITE: Final = 255
#: Noise, in levels.
_NOISE: Final = 9
#: Positioner Primary and Secondary Angle: LAO, RAO caudal, RAO cranial, LAO caudal.
_VIEWS: Final = ((40, 10), (-30, -20), (-20, 25), (45, -25))


@family(
    "XA",
    title="X-ray angiography, coronary cine",
    sop_class=XRayAngiographicImageStorage,
    pixels=PixelFormat(bits=8),
    size=(512, 512),
    frames=24,
)
def xa(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """One injection after another, each seen from another direction."""
    _describe_series(plan, shared)
    tones = table(_brightness, MOST, LEVELS, _WHITE).astype(np.uint8)
    grain = Grain(plan, _NOISE)
    for number in range(1, plan.images + 1):
        primary, secondary = _VIEWS[(number - 1) % len(_VIEWS)]
        image = plan.object(shared, XRayAngiographicImageStorage, number)
        image.PositionerPrimaryAngle, image.PositionerSecondaryAngle = primary, secondary
        image.AcquisitionNumber = number
        text = console_text(plan, number)
        image.BurnedInAnnotation = "YES" if text.any() else "NO"
        heart = Coronaries(plan, primary, secondary)
        plan.set_pixels(image, _frames(plan, heart, tones, grain, text))
        yield image


def _frames(
    plan: StudyPlan, heart: Coronaries, tones: NDArray[np.uint8], grain: Grain, text: Mask
) -> Iterator[NDArray[np.uint8]]:
    for frame in range(plan.frames):
        time = frame / max(plan.frames - 1, 1)
        contraction = beat(frame / _FRAMES_PER_SECOND * _BEATS_PER_SECOND)
        seen = heart.frame(time, contraction) + grain.of(frame)
        pixels = tones[np.clip(seen, 0, LEVELS - 1)]
        pixels[text] = _WHITE
        yield pixels


def _brightness(attenuation: float) -> float:
    """Where much arrives it is bright, as fluoroscopy shows it."""
    return 1.5 * math.exp(-0.62 * attenuation)


def _describe_series(plan: StudyPlan, shared: Dataset) -> None:
    """General Series, X-Ray Image and XA Positioner modules (PS3.3 C.8.7.1, C.8.7.5)."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 25
    shared.SeriesDescription = "Coronary phantom, left"
    shared.ProtocolName = "SIMULATED CORONARY"
    shared.BodyPartExamined = "HEART"
    shared.PatientOrientation = None
    shared.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    shared.PixelIntensityRelationship = "LIN"
    shared.PositionerMotion = "STATIC"
    shared.EstimatedRadiographicMagnificationFactor = 1.466667
    describe_cine(plan, shared, _FRAMES_PER_SECOND)
    describe_x_ray(plan, shared, kilovolts=78, milliamperes=620, setting="GR")
    describe_contrast(shared, "IODINE 370 MG/ML", "INTRA_ARTERIAL")
    shared.WindowCenter, shared.WindowWidth = 128, 256
