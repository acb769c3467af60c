"""The radiotherapy that the RT families describe: a target in the head phantom and two beams."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

#: Centre of the target and of rotation, patient coordinates in mm: left, behind, in slice 2.
ISOCENTRE: Final = (45.0, 30.0, 2.5)
#: Of the spherical target, mm.
TARGET_RADIUS: Final = 18.0
#: Around the target within the beam, mm.
MARGIN: Final = 6.0
PRESCRIBED_GY: Final = 60
FRACTIONS: Final = 30
MACHINE: Final = "SIMLINAC"
#: Source-axis distance, mm.
SAD: Final = 1000.0
#: Boundaries of the leaf pairs of the multi-leaf collimator, mm.
LEAF_BOUNDARIES: Final = tuple(range(-100, 101, 5))
#: ROI numbers in the structure set.
ROI_EXTERNAL, ROI_BRAIN, ROI_VENTRICLES, ROI_TARGET = 1, 2, 3, 4


@dataclass(frozen=True)
class Beam:
    """A static photon beam.

    Attributes:
        gantry: Gantry Angle in degrees (IEC 61217): 0 from the front, 90 from the patient's left.
        meterset: monitor units of one fraction.
    """

    number: int
    name: str
    gantry: float
    meterset: float


BEAMS: Final = (Beam(1, "ANTERIOR", 0.0, 112.4), Beam(2, "LEFT LATERAL", 90.0, 98.6))


def aperture(radius: float = TARGET_RADIUS) -> list[tuple[float, float]]:
    """Positions of the leaves of each pair in mm at the isocentre: a circle around the target of
    ``radius`` plus the margin; pairs outside it are closed in its middle."""
    reach = radius + MARGIN
    leaves = []
    for low, high in pairwise(LEAF_BOUNDARIES):
        nearest = 0.0 if low < 0 < high else float(min(abs(low), abs(high)))
        half = round(math.sqrt(reach * reach - nearest * nearest), 1) if nearest < reach else 0.0
        leaves.append((-half, half))
    return leaves
