"""Uptake of FDG in the head that the CT family draws: brain, a lesion, and little else."""

from __future__ import annotations

from typing import Final

import numpy as np

from modalities.phantoms.fields import Field, axes, ellipse, smooth_noise, soften, within
from modalities.phantoms.head_outlines import FIELD_OF_VIEW, HeadOutlines
from modalities.studies.plan import StudyPlan

#: Standardised uptake values.
_SCALP, _CORTEX, _WHITE, _NUCLEI, _FLUID, _LESION = 0.6, 8.0, 2.4, 8.5, 0.8, 15.0
#: Standard deviation of an SUV of 1; it grows as counting noise does.
_NOISE: Final = 0.3
#: How blurred an edge is, in mm: the scanner's resolution.
_EDGE_MM: Final = 6.0
#: Thickness of the folded cortex, mm.
_CORTEX_MM: Final = 14.0
#: The lesion, mm: centre and radius in the slice where it is largest.
LESION_CENTRE: Final = (36.0, -34.0)
LESION_RADIUS: Final = 10.0


class FdgHead:
    """Axial slices, front of the head up, patient's right on the left."""

    def __init__(self, plan: StudyPlan) -> None:
        ct = plan.sibling("CT")
        self._outlines = HeadOutlines(plan.images, ct.rows, ct.columns)
        half = np.float32(FIELD_OF_VIEW / 2)
        shape = plan.rows, plan.columns
        x, y = axes(*shape)
        self._x, self._y = x * half, y * half
        self._folds = np.abs(smooth_noise(plan, shape, 20, stream=1))
        self._noise = soften(soften(plan.noise(shape, stream=2), 0), 1)

    def z(self, number: int) -> float:
        """Where slice ``number``, counted from 1, lies: mm."""
        return self._outlines.z(number)

    def slice(self, number: int) -> Field:
        """SUV in slice ``number``."""
        x, y = self._x, self._y
        skin, brain = self._outlines.external(number), self._outlines.brain(number)
        uptake = np.zeros(self._folds.shape, np.float32)
        depth = _depth(x, y, skin.centre, skin.semi_axes)
        _mix(uptake, within(-depth, 0.0, _EDGE_MM), _SCALP)
        depth = _depth(x, y, brain.centre, brain.semi_axes)
        # sulci and what the scanner can not resolve in them make the cortex patchy
        _mix(uptake, within(-depth, -3.0, _EDGE_MM), _CORTEX)
        uptake *= np.float32(1) - np.float32(0.4) * np.minimum(self._folds, 1)
        inner = depth - np.float32(_CORTEX_MM) * (np.float32(0.55) + np.float32(1.2) * self._folds)
        _mix(uptake, within(-inner, 0.0, _EDGE_MM), _WHITE)
        for ventricle in self._outlines.ventricles(number):
            beside = 1.6 * ventricle.centre[0], ventricle.centre[1] + 8
            nucleus = _depth(x, y, beside, (1.1 * ventricle.semi_axes[0], 17.0))
            _mix(uptake, within(-nucleus, 0.0, _EDGE_MM), _NUCLEI)
        for ventricle in self._outlines.ventricles(number):
            inside = _depth(x, y, ventricle.centre, ventricle.semi_axes)
            _mix(uptake, within(-inside, 1.0, _EDGE_MM), _FLUID)
        # a sphere somewhat flattened, around the head's widest slice
        widest = self._outlines.external(number).semi_axes[0] / (0.72 * FIELD_OF_VIEW / 2)
        if widest > 0.75:
            radius = LESION_RADIUS * (widest - 0.5) * 2
            lesion = _depth(x, y, LESION_CENTRE, (radius, radius))
            _mix(uptake, within(-lesion, 0.0, _EDGE_MM), _LESION)
        noise = np.roll(self._noise, number * 37)
        uptake += np.float32(_NOISE) * np.sqrt(uptake + np.float32(0.02)) * noise
        return np.maximum(uptake, 0)


def _depth(
    x: Field, y: Field, centre: tuple[float, float], semi_axes: tuple[float, float]
) -> Field:
    """How far inside an ellipse, about: mm along its shorter axis, negative outside."""
    least = np.float32(min(semi_axes))
    return least - least * np.sqrt(ellipse(x, y, centre, semi_axes))


def _mix(uptake: Field, cover: Field, value: float) -> None:
    uptake += cover * (np.float32(value) - uptake)
