"""The inside of a colon as an endoscope's camera sees it: folds around a dark lumen, red vessels
under wet mucosa."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from modalities.phantoms.fields import Field, smooth_noise, soften, within
from modalities.phantoms.projection import levels
from modalities.studies.plan import StudyPlan

#: Width of the image in units of its height, and the round field of view in the same units.
WIDTH: Final = 4 / 3
_FIELD: Final = ((0.28, 0.0), 0.94)
_LEVELS: Final = 1024
_REACH: Final = 2.2  # largest distance from the lumen that the tables cover
_MUCOSA: Final = (236.0, 138.0, 112.0)
_BLOOD: Final = (170.0, 46.0, 44.0)
_FOLDS: Final = 1.9


class Colon:
    """Frames with the field of view in the right three quarters, black around it."""

    def __init__(self, plan: StudyPlan) -> None:
        shape = plan.rows, plan.columns
        y, x = (
            (2 * np.arange(count, dtype=np.float32) + 1) / np.float32(count) - np.float32(1)
            for count in shape
        )
        (across, _), self._radius = _FIELD
        self._x = (x * np.float32(WIDTH) - np.float32(across))[None, :]
        self._y = y[:, None]
        self._warp = smooth_noise(plan, shape, 7, 1) * np.float32(0.10)
        fine = smooth_noise(plan, shape, 60, 2)
        self._ridges = sum(
            within(np.abs(smooth_noise(plan, shape, cells, stream)), 0.05, 0.07)
            for cells, stream in ((14, 3), (27, 4))
        )
        self._wet = within(-(fine + smooth_noise(plan, shape, 23, 5)), -1.9, 0.35)
        self._mottled = np.float32(1) + fine * np.float32(0.025)

    def frame(self, number: int) -> NDArray[np.uint8]:
        """The view at the ``number``-th stop on the way back, (rows, columns, 3)."""
        turn = 0.9 * number
        x = self._x - np.float32(0.20 * math.cos(turn))
        y = self._y - np.float32(0.16 * math.sin(turn))
        squared = x * x + y * y + np.float32(1e-4)
        distance = np.sqrt(squared)
        # three bands of muscle make the lumen a rounded triangle
        triangle = (x * x * x - np.float32(3) * x * y * y) / (squared * distance)
        distance = distance * (np.float32(1) + np.float32(0.13) * triangle + self._warp)
        level = levels(distance, _REACH, _LEVELS)
        shade = _shades(number * 0.37)[level] * self._mottled
        # vessels are seen near by, not in the dark
        veined = self._ridges * np.float32(0.42) * within(-distance, -0.42, 0.3)
        wet = self._wet * within(-shade, -0.62, 0.25)
        inside = within(self._x * self._x + self._y * self._y, self._radius**2, 0.01)
        picture = np.empty((*distance.shape, 3), np.uint8)
        for channel, (mucosa, blood) in enumerate(zip(_MUCOSA, _BLOOD, strict=True)):
            colour = np.float32(mucosa) + veined * np.float32(blood - mucosa)
            colour = colour * shade
            colour = colour + wet * (np.float32(250) - colour)
            colour = soften(soften(colour, 0), 1) * inside
            picture[..., channel] = np.clip(colour, 0, 255).astype(np.uint8)
        return picture


def _shades(advance: float) -> Field:
    """Brightness by distance from the lumen: dark in it, brighter towards the lamp, and bright on
    the edge of each fold with its shadow behind."""
    shades = []
    for level in range(_LEVELS):
        distance = (level + 0.5) * _REACH / _LEVELS
        depth = _FOLDS * math.log(distance + 0.02) + advance  # folds are farther apart near by
        part = depth % 1.0
        fold = 0.62 + 0.38 * part**1.5 if part < 0.93 else 0.62 + 0.38 * (1 - part) / 0.07
        lit = 1 - math.exp(-((distance / 0.36) ** 1.6))
        shades.append(min(lit * fold * 1.08, 1.1))
    return np.array(shades, np.float32)
