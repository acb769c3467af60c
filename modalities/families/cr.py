"""Computed Radiography Image Storage (PS3.3 A.2): a chest, PA."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from pydicom import Dataset
from pydicom.uid import ComputedRadiographyImageStorage

from modalities.families import family
from modalities.phantoms.chest import MOST, chest
from modalities.phantoms.marks import console_text, letters, place
from modalities.phantoms.projection import Grain, levels, moved, table
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

#: A 14 × 14 inch imaging plate.
_PLATE_MM: Final = 350.0
_BITS: Final = 12
_LEVELS: Final = 4096
#: Noise, in levels.
_NOISE: Final = 16


@family(
    "CR",
    title="CR chest, PA",
    sop_class=ComputedRadiographyImageStorage,
    pixels=PixelFormat(bits=_BITS),
    size=(1024, 1024),
)
def cr(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """One plate after another of the same chest, each a little off the last."""
    _describe_series(plan, shared)
    attenuation = levels(chest(plan), MOST, _LEVELS)
    tones = table(_film, MOST, _LEVELS, (1 << _BITS) - 1)
    grain = Grain(plan, _NOISE)
    marker = place((plan.rows, plan.columns), letters("R", max(plan.rows // 160, 1)), 0.17, 0.06)
    for number in range(1, plan.images + 1):
        image = plan.object(shared, ComputedRadiographyImageStorage, number)
        off = (number - 1) % 5 * plan.rows // 200
        exposed = moved(attenuation, off, -off) + grain.of(number)
        pixels = tones[np.clip(exposed, 0, _LEVELS - 1)]
        if marker is not None:
            pixels[marker] = (1 << _BITS) - 1  # lead lets nothing through
        text = console_text(plan, number)
        pixels[text] = (1 << _BITS) - 1
        image.BurnedInAnnotation = "YES" if text.any() else "NO"
        image.PlateID = f"LAB{number:03d}"
        image.AcquisitionNumber = number
        plan.set_pixels(image, pixels)
        yield image


def _film(attenuation: float) -> float:
    """What attenuates is bright, with the contrast of a film's characteristic curve."""
    return 1 / (1 + math.exp(-(attenuation - 2.6) / 0.95)) - 0.05


def _describe_series(plan: StudyPlan, shared: Dataset) -> None:
    """General Series, CR Series, General Image, CR Image and VOI LUT modules (PS3.3 C.8.1)."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 20
    shared.SeriesDescription = "Chest phantom, PA"
    shared.ProtocolName = "SIMULATED CHEST PA"
    shared.BodyPartExamined = "CHEST"
    shared.ViewPosition = "PA"
    shared.PatientOrientation = ["L", "F"]
    shared.ImageType = ["ORIGINAL", "PRIMARY"]
    shared.KVP = 120
    shared.PlateType = "SIMULATED"
    shared.PhosphorType = "BARIUM FLUOROHALIDE"
    shared.FilterType = "NONE"
    shared.FocalSpots = 1.2
    shared.DistanceSourceToDetector = 1800
    shared.DistanceSourceToPatient = 1600
    shared.ExposureTime = 8
    shared.XRayTubeCurrent = 320
    shared.Exposure = 3
    shared.ImagerPixelSpacing = [
        round(_PLATE_MM / plan.rows, 6),
        round(_PLATE_MM / plan.columns, 6),
    ]
    shared.AcquisitionDeviceProcessingDescription = "SIMULATED CHEST"
    shared.Sensitivity = 400
    shared.ExposureIndex = "409"
    shared.TargetExposureIndex = "400"
    shared.DeviationIndex = 0.1
    shared.WindowCenter, shared.WindowWidth = 2048, 4096
