"""A synthetic electrocardiogram: P, Q, R, S and T waves in twelve leads.

The heart's vector is seen from two directions in the frontal plane (leads I and II) and six in
the horizontal one (V1 to V6); the other four limb leads follow from the first two by Einthoven's
and Goldberger's equations.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from modalities.studies.plan import StudyPlan

LEADS: Final = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
SAMPLING_HZ: Final = 500
SECONDS: Final = 10
SAMPLES: Final = SAMPLING_HZ * SECONDS

#: Middle and half width of each wave in seconds from the R peak, and its height in µV in the
#: leads below. P to S take the same time at every rate.
_WAVES: Final = {
    "P": (-0.165, 0.055, (80, 120, 50, 60, 60, 60, 60, 55)),
    "Q": (-0.034, 0.016, (-50, -80, 0, 0, -20, -60, -80, -70)),
    "R": (0.0, 0.030, (650, 1150, 220, 500, 900, 1500, 1350, 1050)),
    "S": (0.034, 0.022, (-60, -150, -900, -1250, -750, -400, -180, -80)),
    "T": (0.270, 0.110, (180, 280, -60, 350, 420, 400, 320, 250)),
}
#: Between the start of a beat and its R peak, seconds; long enough for the P wave, short enough
#: for the T wave of the fastest heart to end.
_BEFORE_R: Final = 0.3
_SEEN_FROM: Final = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
#: Standard deviation of what muscles add, µV.
_TREMOR: Final = 6
#: Half of the baseline's drift as the chest moves, µV.
_DRIFT: Final = 25
_BREATH_SECONDS: Final = 4


def heart_rate(plan: StudyPlan, number: int) -> int:
    """Beats per minute of recording ``number``: 58 to 87, by the seed."""
    return 58 + int(plan.bits(1)[0] % 28) + (number - 1) % 3


def microvolts(plan: StudyPlan, number: int) -> NDArray[np.int16]:
    """Samples of recording ``number``: (``SAMPLES``, leads in the order of ``LEADS``)."""
    interval = 60 * SAMPLING_HZ // heart_rate(plan, number)
    # where each sample is in its beat, which begins before its P wave and has its R peak at 0
    seconds = ((np.arange(SAMPLES) % interval) / SAMPLING_HZ - _BEFORE_R)[:, None]
    # T comes later in slower hearts (QT interval)
    stretch = interval / (60 * SAMPLING_HZ / 70)
    seen = np.zeros((SAMPLES, len(_SEEN_FROM)))
    for name, (middle, half_width, heights) in _WAVES.items():
        late = (0.6 + 0.4 * stretch) if name == "T" else 1.0
        seen += _bump((seconds - middle * late) / half_width) * np.array(heights)
    seen += _TREMOR * plan.noise(seen.shape, stream=number)
    seen += _baseline()[:, None]
    by_name = dict(zip(_SEEN_FROM, np.rint(seen).astype(np.int16).T, strict=True))
    first, second = by_name["I"], by_name["II"]
    by_name["III"] = second - first
    by_name["aVR"] = -(first + second) // 2
    by_name["aVL"] = first - second // 2
    by_name["aVF"] = second - first // 2
    return np.stack([by_name[lead] for lead in LEADS], axis=1)


def _bump(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 in the middle, 0 from a distance of 1 on; a polynomial, for the sake of the same samples
    on every machine."""
    inside: NDArray[np.float64] = np.maximum(1 - distance * distance, 0) ** 2
    return inside


def _baseline() -> NDArray[np.float64]:
    """Breathing: a smooth wave of parabolas."""
    half = SAMPLING_HZ * _BREATH_SECONDS // 2
    moment = np.arange(SAMPLES)
    within = (moment % half) / half
    wave: NDArray[np.float64] = 4 * within * (1 - within) * np.where(moment // half % 2, -1, 1)
    return _DRIFT * wave
