"""Ultrasound Multi-frame Image Storage (PS3.3 A.7): a beating heart with colour Doppler.

Apical four-chamber view: left ventricle and atrium on the right of the image, the apex at the
transducer. Blood that comes in through the mitral valve flows towards the transducer and is red,
blood on its way out to the aorta is blue.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.tag import Tag
from pydicom.uid import UltrasoundMultiFrameImageStorage

from modalities.families import family
from modalities.phantoms.heart import Heart
from modalities.phantoms.ultrasound import Fan
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

_TISSUE, _COLOUR_FLOW = 1, 2
_TEXT: Final = (220, 220, 220)
_FRAME_MS: Final = 40.0
_DEPTH_MM: Final = 160.0
#: Frames of one heart beat, fewer where the loop is shorter: it always holds whole beats.
_BEAT: Final = 24


@family(
    "US-CINE",
    modality="US",
    title="Ultrasound of a beating heart, colour Doppler cine",
    sop_class=UltrasoundMultiFrameImageStorage,
    pixels=PixelFormat(photometric="RGB"),
    size=(480, 640),
    frames=24,
)
def us_cine(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Loops of the same view."""
    _describe(plan, shared)
    fan = Fan(plan.rows, plan.columns, 0.0, _DEPTH_MM, 38.0, beams=144, samples=400)
    heart = Heart(plan, fan)
    beats = max(round(plan.frames / _BEAT), 1)
    shared.HeartRate = round(60_000 * beats / (plan.frames * _FRAME_MS))
    for number in range(1, plan.images + 1):
        image = plan.object(shared, UltrasoundMultiFrameImageStorage, number)
        image.FrameIncrementPointer = Tag("FrameTime")
        image.SequenceOfUltrasoundRegions = [
            fan.region(fan.box, _TISSUE, under=True),
            fan.region(heart.colour_box, _COLOUR_FLOW),
        ]
        blank = np.zeros((plan.rows, plan.columns, 3), np.uint8)
        image.BurnedInAnnotation = "YES" if plan.burn(blank, _TEXT, number) else "NO"
        plan.set_pixels(image, _frames(plan, heart, beats, number))
        yield image


def _frames(plan: StudyPlan, heart: Heart, beats: int, number: int) -> Iterator[NDArray[np.uint8]]:
    for frame in range(plan.frames):
        phase = (frame * beats / plan.frames) % 1
        screen = heart.screen(phase, number * plan.frames + frame)
        plan.burn(screen, _TEXT, number)
        yield screen


def _describe(plan: StudyPlan, shared: Dataset) -> None:
    """General Series, General Image, Cine, and US Image (PS3.3 C.8.5.6) modules."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 5
    shared.SeriesDescription = "Heart phantom, four chambers, colour Doppler"
    shared.ProtocolName = "SIMULATED ECHO"
    shared.BodyPartExamined = "HEART"
    shared.PatientOrientation = ""
    # value 4: 2D imaging and colour flow Doppler (PS3.3 C.8.5.6.1.1)
    shared.ImageType = ["ORIGINAL", "PRIMARY", "TTE", "0011"]
    shared.UltrasoundColorDataPresent = 1
    shared.FrameTime = _FRAME_MS
    shared.CineRate = shared.RecommendedDisplayFrameRate = round(1000 / _FRAME_MS)
    shared.EffectiveDuration = round(plan.frames * _FRAME_MS / 1000, 3)
    shared.PreferredPlaybackSequencing = 0
    shared.StartTrim, shared.StopTrim = 1, plan.frames
    shared.TransducerData = ["S5-1", "", ""]
    shared.TransducerType = "SECTOR_PHASED"
    shared.ProcessingFunction = "SIMULATED ECHO"
    shared.MechanicalIndex = 1.1
    shared.SoftTissueThermalIndex = 0.9
    shared.BoneThermalIndex = shared.CranialThermalIndex = 1.2
    shared.DepthOfScanField = round(_DEPTH_MM)
