"""A mouthful of barium on its way down the oesophagus into the stomach, seen from the front."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from modalities.phantoms.fields import Field, ellipse, smooth_noise, soften, within
from modalities.phantoms.projection import Canvas, curve, levels
from modalities.studies.plan import StudyPlan

#: Attenuation that no pixel exceeds by much, and levels up to there.
MOST: Final = 7.0
LEVELS: Final = 1024
#: The oesophagus from the throat to the stomach: its widest.
_COURSE: Final = (
    (0.02, -1.02, 0.09),
    (0.00, -0.70, 0.075),
    (0.03, -0.35, 0.08),
    (0.00, 0.00, 0.085),
    (0.04, 0.26, 0.08),
    (0.16, 0.42, 0.06),
    (0.25, 0.50, 0.055),
)
_STOMACH: Final = ((0.42, 0.68), (0.30, 0.25))
_BARIUM, _COATING = 3.2, 0.35
_STEPS: Final = 256


class Swallow:
    """Levels of attenuation (see ``projection.levels``) as time goes by."""

    def __init__(self, plan: StudyPlan) -> None:
        self._still = levels(_body(plan), MOST, LEVELS)
        canvas = Canvas(plan.rows, plan.columns)
        self._box, self._squared, position = canvas.along(curve(_COURSE))
        self._step = (position * np.float32(_STEPS - 1)).astype(np.uint8)
        inside = ellipse(canvas.x, canvas.y, *_STOMACH, -25)
        self._stomach = np.maximum(np.float32(1) - inside, 0)
        self._height = np.broadcast_to(canvas.y, self._stomach.shape)

    def frame(self, time: float) -> NDArray[np.int16]:
        """Levels, some above ``LEVELS``, at ``time`` from 0 (in the mouth) to 1 (all gone)."""
        seen = self._still.copy()
        seen[self._box] += levels(self._bolus(time), MOST, LEVELS)
        seen += levels(self._pool(time), MOST, LEVELS)
        return seen

    def _bolus(self, time: float) -> Field:
        """Barium in the oesophagus, wide where the mouthful is, and what sticks behind it."""
        ahead, behind = 1.45 * time - 0.02, 1.45 * time - 0.42
        widths, coats = [], []
        for step in range(_STEPS):
            at = step / _STEPS
            front = min(max((ahead - at) / 0.05, 0.0), 1.0)
            # the wall closes behind the mouthful; a wave runs along it
            tail = min(max((at - behind) / 0.14, 0.0), 1.0)
            wave = 1 + 0.12 * math.sin(2 * math.pi * (at * 5 - time * 6))
            sphincter = 0.55 if 0.88 < at < 0.96 else 1.0
            widths.append(max(front * tail * wave * sphincter, 1e-3) ** 2)
            coats.append(_COATING if at < ahead and time > 0.05 else 0.0)
        wide = np.array(widths, np.float32)[self._step]
        thickness = np.sqrt(np.maximum(wide - self._squared, 0))
        coat = np.array(coats, np.float32)[self._step]
        # folds of the collapsed oesophagus keep a little between them
        lines = np.abs(np.abs(self._squared - np.float32(0.12)) - np.float32(0.07))
        bolus: Field = thickness * np.float32(_BARIUM) + within(lines, 0.035, 0.05) * coat
        return bolus

    def _pool(self, time: float) -> Field:
        """Barium in the stomach, with a level surface below the air."""
        amount = min(max((time - 0.55) / 0.45, 0.0), 1.0)
        (_, down), (_, half) = _STOMACH
        surface = down + half * (0.9 - 0.95 * amount)
        wet = within(-self._height, -surface, 0.02)
        thickness = np.sqrt(self._stomach) * wet
        rim = within(np.abs(self._stomach - np.float32(0.07)), 0.04, 0.06)
        filled: Field = thickness * np.float32(_BARIUM * amount) + rim * np.float32(0.5 * amount)
        return filled


def _body(plan: StudyPlan) -> Field:
    """Neck and chest with spine, ribs, heart and diaphragm, and the collimator's round edge."""
    shape = plan.rows, plan.columns
    body = Canvas(*shape)
    body.field += np.float32(1.9)
    for side in (-1, 1):
        body.tube(
            curve([(side * 0.42, -0.6, 0.16), (side * 0.6, -0.2, 0.4), (side * 0.66, 0.3, 0.44)]),
            -1.2,
        )
        body.ellipsoid((side * 0.6, 0.98), (0.62, 0.52), 1.1, power=2)
        for number in range(7):
            y = -0.85 + number * 0.22
            rib = [
                (side * 0.1, y, 0.04),
                (side * 0.55, y + 0.02, 0.04),
                (side * 0.95, y + 0.26, 0.036),
            ]
            body.tube(curve(rib), 0.5, hollow=0.65)
        clavicle = [
            (side * 0.1, -0.60, 0.05),
            (side * 0.5, -0.72, 0.04),
            (side * 1.1, -0.78, 0.045),
        ]
        body.tube(curve(clavicle), 0.6, hollow=0.6)
    for number in range(12):
        y = -1.05 + number * 0.2
        body.ellipsoid((-0.06, y), (0.135, 0.088), 0.75, power=2)
    body.ellipsoid((0.18, 0.28), (0.46, 0.34), 1.1, degrees=35, power=2)
    body.ellipsoid(_STOMACH[0], _STOMACH[1], -0.7, degrees=-25)  # air
    cloud = smooth_noise(plan, shape, 11, 2) * np.float32(0.07)
    field = soften(soften(np.maximum(body.field + cloud, 0), 0, 2), 1, 2)
    beyond = ellipse(body.x, body.y, (0.0, 0.0), (1.03, 1.03))
    return field * within(beyond, 1.0, 0.01)
