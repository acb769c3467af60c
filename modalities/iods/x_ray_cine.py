"""Modules that the cines of X-ray equipment share (PS3.3 A.14, A.16)."""

from __future__ import annotations

from pydicom import Dataset
from pydicom.tag import Tag

from modalities.studies.plan import StudyPlan

#: Of the image intensifier or detector.
_INPUT_MM = 200.0


def describe_cine(plan: StudyPlan, shared: Dataset, frames_per_second: int) -> None:
    """Cine and Multi-frame modules (PS3.3 C.7.6.5, C.7.6.6); frames are equally far apart."""
    milliseconds = round(1000 / frames_per_second, 3)
    shared.FrameIncrementPointer = Tag("FrameTime")
    shared.FrameTime = milliseconds
    shared.CineRate = frames_per_second
    shared.RecommendedDisplayFrameRate = frames_per_second
    shared.StartTrim, shared.StopTrim = 1, plan.frames
    shared.ActualFrameDuration = round(milliseconds)
    shared.PreferredPlaybackSequencing = 0


def describe_x_ray(
    plan: StudyPlan, shared: Dataset, *, kilovolts: int, milliamperes: int, setting: str
) -> None:
    """X-Ray Image and X-Ray Acquisition modules (PS3.3 C.8.7.1, C.8.7.2).

    Args:
        setting: Radiation Setting: ``SC`` for fluoroscopy, ``GR`` for what is worth recording.
    """
    shared.RadiationSetting = setting
    shared.KVP = kilovolts
    shared.XRayTubeCurrent = milliamperes
    shared.AveragePulseWidth = 7
    shared.RadiationMode = "PULSED"
    exposed = round(7 * plan.frames)
    shared.ExposureTime = exposed
    shared.Exposure = max(round(milliamperes * exposed / 1000), 1)
    shared.IntensifierSize = _INPUT_MM
    shared.ImagerPixelSpacing = [
        round(_INPUT_MM / plan.rows, 6),
        round(_INPUT_MM / plan.columns, 6),
    ]
    shared.DistanceSourceToDetector = 1100
    shared.DistanceSourceToPatient = 750


def describe_contrast(shared: Dataset, agent: str, route: str) -> None:
    """Contrast/Bolus module (PS3.3 C.7.6.4)."""
    shared.ContrastBolusAgent = agent
    shared.ContrastBolusRoute = route
