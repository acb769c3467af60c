"""What a treatment beam's eye sees of a head: bones by their thickness, and the field."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modalities.phantoms.treatment import ISOCENTRE, LEAF_BOUNDARIES, Beam, aperture


class _Part(NamedTuple):
    """An ellipsoid: centre and semi-axes in patient coordinates (mm), attenuation each mm.

    Negative attenuation hollows out what it is in.
    """

    centre: tuple[float, float, float]
    semi_axes: tuple[float, float, float]
    attenuation: float


_HEAD: Final = (
    _Part((0, 0, 10), (86, 106, 100), 0.18),  # skin
    _Part((0, 0, 12), (78, 98, 92), 0.50),  # skull
    _Part((0, 0, 12), (71, 90, 85), -0.50),
    _Part((0, -45, -70), (60, 60, 62), 0.18),  # face
    _Part((0, -52, -108), (50, 50, 22), 0.40),  # mandible
    _Part((0, -46, -104), (42, 46, 19), -0.38),
    _Part((0, -78, -84), (24, 14, 13), 0.80),  # teeth
    *(_Part((side * 33, -84, -20), (22, 12, 20), 0.55) for side in (-1, 1)),  # orbits
    *(_Part((side * 33, -80, -20), (17, 15, 15), -0.60) for side in (-1, 1)),
    _Part((0, -88, -48), (10, 22, 22), -0.30),  # nose
    _Part((0, -5, -52), (56, 62, 12), 0.28),  # base of the skull
    _Part((0, 22, -180), (56, 60, 140), 0.18),  # neck
    _Part((0, -14, -160), (8, 8, 70), -0.25),  # trachea
    *(_Part((0, 18, -78 - 21 * n), (17, 13, 9), 0.70) for n in range(7)),  # vertebral bodies
    *(_Part((0, 46, -84 - 21 * n), (6, 22, 5), 0.60) for n in range(7)),  # spinous processes
)


def projected_head(
    beam: Beam, right: NDArray[np.float32], up: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Attenuation summed along the rays of ``beam``, taken as parallel.

    Args:
        right: (columns) and
        up: (rows): positions in the plane of the isocentre, from it, mm. At a gantry angle of 0
            right is the patient's left, at 90 the patient's back; up is towards the vertex.
    """
    across, depth = (0, 1) if beam.gantry == 0 else (1, 0)
    x = (right + np.float32(ISOCENTRE[across]))[None, :]
    z = (up + np.float32(ISOCENTRE[2]))[:, None]
    total = np.zeros((len(up), len(right)), np.float32)
    for centre, semi_axes, attenuation in _HEAD:
        u = (x - np.float32(centre[across])) / np.float32(semi_axes[across])
        v = (z - np.float32(centre[2])) / np.float32(semi_axes[2])
        chord = np.sqrt(np.maximum(1 - u * u - v * v, 0))
        total += np.float32(2 * semi_axes[depth] * attenuation) * chord
    return np.maximum(total, 0)


def open_field(right: NDArray[np.float32], up: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where the leaves are open; arguments as for ``projected_head``: (rows, columns)."""
    leaf = np.searchsorted(np.array(LEAF_BOUNDARIES, np.float32), up, side="right") - 1
    leaves = np.array(aperture(), np.float32)
    between = (leaf >= 0) & (leaf < len(leaves))
    leaf = np.clip(leaf, 0, len(leaves) - 1)
    low, high = leaves[leaf, 0][:, None], leaves[leaf, 1][:, None]
    field: NDArray[np.bool_] = between[:, None] & (right >= low) & (right < high)
    return field
