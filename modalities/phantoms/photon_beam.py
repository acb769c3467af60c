"""Dose of a static photon beam in the head phantom, without scatter.

Only operations that IEEE 754 rounds exactly, so that a dose is the same on every machine.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from modalities.phantoms.head_outlines import HeadOutlines
from modalities.phantoms.treatment import ISOCENTRE, MARGIN, SAD, TARGET_RADIUS, Beam

#: Of 6 MV photons in water, each mm.
_ATTENUATION: Final = np.float32(0.0046)
#: Where the dose is highest, mm below the skin, and what part of that the skin gets.
_BUILD_UP_MM, _SKIN = np.float32(15), np.float32(0.3)
#: Half width of the field's blurred edge, mm.
_PENUMBRA: Final = np.float32(4)
_RADIUS: Final = np.float32(TARGET_RADIUS + MARGIN)

Plane = NDArray[np.float32]


class PhotonBeam:
    """The dose of ``beam`` in axial planes, relative to that at the isocentre.

    ``x`` (1, columns) and ``y`` (rows, 1) are patient coordinates in mm. Gantry angles are
    those of ``treatment.BEAMS``: 0 or 90.

    Raises:
        ValueError: another gantry angle.
    """

    def __init__(self, beam: Beam, x: Plane, y: Plane) -> None:
        outline = HeadOutlines(3, 512, 512).external(2).semi_axes
        # along the beam and across it, both from the isocentre, and the head's semi-axes there
        if beam.gantry == 0:
            axis, cross, toward = y, x, 1
            long, wide = outline[1], outline[0]
            centre = ISOCENTRE[1], ISOCENTRE[0]
        elif beam.gantry == 90:
            axis, cross, toward = x, y, -1
            long, wide = outline[0], outline[1]
            centre = ISOCENTRE[0], ISOCENTRE[1]
        else:
            raise ValueError(f"no dose for a gantry at {beam.gantry}°; expected 0 or 90")
        self._magnified = np.float32(SAD) / (np.float32(SAD) + toward * (axis - centre[0]))
        self._off_axis = (cross - np.float32(centre[1])) * self._magnified
        at_isocentre = _along_the_ray(
            np.array([centre[0] * toward], np.float32),
            np.array([centre[1]], np.float32),
            long,
            wide,
        )
        self._central = _along_the_ray(axis * toward, cross, long, wide) / at_isocentre[0]

    def relative_dose(self, z: float) -> Plane:
        """In the plane ``z`` (mm): (rows, columns)."""
        height = np.float32(z - ISOCENTRE[2]) * self._magnified
        radius = np.sqrt(self._off_axis * self._off_axis + height * height)
        dose: Plane = self._central * _smooth((_RADIUS + _PENUMBRA - radius) / (2 * _PENUMBRA))
        return dose


def _along_the_ray(along: Plane, across: Plane, long: float, wide: float) -> Plane:
    """Dose on the way through the head, whose semi-axes are ``long`` and ``wide``."""
    reach = 1 - (across / np.float32(wide)) ** 2
    depth: Plane = along + np.float32(long) * np.sqrt(np.maximum(reach, 0))
    inside = (reach > 0) & (depth >= 0) & ((along / np.float32(long)) ** 2 <= reach)
    depth = np.maximum(depth, 0)
    optical = _ATTENUATION * depth
    # exp(-x), from the first terms of exp(x)
    left = 1 / (1 + optical * (1 + optical * (np.float32(0.5) + optical / 6)))
    dose: Plane = inside * left * (_SKIN + (1 - _SKIN) * _smooth(depth / _BUILD_UP_MM))
    return dose


def _smooth(value: Plane) -> Plane:
    """From 0 at 0 to 1 at 1, without a corner."""
    clipped = np.clip(value, np.float32(0), np.float32(1))
    smooth: Plane = clipped * clipped * (3 - 2 * clipped)
    return smooth
