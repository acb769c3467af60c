"""A head as T1-weighted MR shows it: bright fat, white matter over grey, dark fluid and bone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from modalities.phantoms.fields import Field, axes, ellipse, smooth_noise, soften, within
from modalities.studies.plan import StudyPlan

#: Signal, in stored values.
_AIR, _SKIN, _FAT, _BONE, _MARROW = 0, 560, 1500, 70, 820
_FLUID, _GREY, _NUCLEI, _WHITE, _VITREOUS = 230, 660, 740, 930, 300
_NOISE: Final = 22
#: Semi-axes of the head as fractions of half the field of view: left-right, front-back.
_SEMI_AXES: Final = (0.74, 0.90)
#: Layers from outside: where each ends, as a fraction of the head's outline.
_LAYERS: Final = (
    (1.0, _SKIN),
    (0.972, _FAT),
    (0.93, _BONE),
    (0.912, _MARROW),
    (0.893, _BONE),
    (0.875, _FLUID),
)
_BRAIN: Final = 0.855
#: Steps of the table that the layers are looked up in, and the radius where it ends.
_LEVELS, _CORNER = 8192, 2.0


class MrHead:
    """Axial slices, front of the head up, patient's right on the left.

    Everything that does not change from slice to slice is computed once.
    """

    def __init__(self, plan: StudyPlan) -> None:
        shape = plan.rows, plan.columns
        self._x, self._y = axes(*shape)
        self._radius: Field = np.sqrt(ellipse(self._x, self._y, (0.0, 0.0), _SEMI_AXES))
        self._radius += smooth_noise(plan, shape, 5, stream=1) * np.float32(0.012)
        self._levels = np.clip(self._radius * np.float32(_LEVELS / _CORNER), 0, _LEVELS - 1).astype(
            np.uint16
        )
        self._folds = [smooth_noise(plan, shape, 17, stream) for stream in (2, 3)]
        self._coil = np.float32(1) + smooth_noise(plan, shape, 2, stream=4) * np.float32(0.08)
        self._noise = [plan.noise(shape, stream) * np.float32(_NOISE) for stream in (5, 6)]
        #: width of an edge that looks drawn with a pencil, not with steps: about a pixel
        self._edge = 2.0 / max(min(shape), 16)

    def slice(self, height: float, number: int) -> NDArray[np.uint16]:
        """Stored values at ``height``, from -1 at the chin to 1 at the vertex.

        ``number`` decides which noise is seen.
        """
        # flatter towards the neck than towards the vertex
        size = float(np.sqrt(np.float32(1 - (1.0 if height > 0 else 0.4) * height * height)))
        radius: Field = self._radius / np.float32(size)
        edge = self._edge / size
        signal = np.take(_layered(size, edge), self._levels)
        self._paint_brain(signal, radius, height, edge)
        if height < -0.3:
            self._paint_base(signal, radius, size, edge)
        signal *= self._coil
        return self._with_noise(soften(soften(signal, 0), 1), number)

    def _paint_brain(self, signal: Field, radius: Field, height: float, edge: float) -> None:
        """Grey matter with sulci in it, folded white matter, ventricles and nuclei."""
        # the folds change slowly along the body, as anatomy does
        part = np.float32(0.5 + 0.5 * height)
        fold = self._folds[0] * (1 - part) + self._folds[1] * part
        ridge = np.abs(fold)
        brain = within(radius, _BRAIN, edge)
        _paint(signal, brain, _GREY)
        depth = np.float32(_BRAIN) - radius
        white = within(
            np.float32(0.06) + np.float32(0.2) * (np.float32(0.75) - ridge) - depth, 0.0, edge
        )
        _paint(signal, white * brain, _WHITE)
        sulci = within(ridge + np.float32(0.55) * depth, 0.115, 0.06)
        _paint(signal, sulci * brain, _FLUID)
        fissure = within(np.abs(self._x) + np.float32(0) * self._y, 0.008, 0.012)
        if height > -0.5:
            middle = 0.36 - 0.7 * max(height - 0.3, 0.0)  # commissures: uncut, lower down
            split = within(-np.abs(self._y - np.float32(0.02)), -middle, 0.02)
            _paint(signal, fissure * split * brain, _FLUID)
        self._paint_nuclei(signal, height)

    def _paint_nuclei(self, signal: Field, height: float) -> None:
        """Thalami, caudate nuclei and ventricles: ellipsoids around the middle of the brain."""
        for side in (-1, 1):
            for centre, semi_axes, degrees, reach, value in (
                ((0.11, 0.07), (0.075, 0.125), -20, 0.45, _NUCLEI),  # thalamus
                ((0.155, -0.22), (0.05, 0.12), 18, 0.5, _NUCLEI),  # caudate nucleus
                ((0.25, -0.06), (0.055, 0.17), 14, 0.4, _NUCLEI),  # putamen
                ((0.085, -0.24), (0.036, 0.155), 22, 0.55, _FLUID),  # frontal horn
                ((0.16, 0.30), (0.045, 0.16), -24, 0.55, _FLUID),  # occipital horn
                ((0.0, 0.05), (0.018, 0.13), 0, 0.35, _FLUID),  # third ventricle
            ):
                extent = 1 - (height / reach) ** 2
                if extent > 0:
                    at = side * centre[0], centre[1]
                    self._spot(signal, at, semi_axes, side * degrees, [(extent, 0.3, value)])

    def _paint_base(self, signal: Field, radius: Field, size: float, edge: float) -> None:
        """Below the brain's middle: face with orbits and nose in front, cerebellum behind."""
        x, y = self._x / np.float32(size), self._y / np.float32(size)
        front = within(y + np.float32(0.25) * x * x, -0.20, 0.05)
        _paint(signal, front * within(radius, _BRAIN, edge), _SKIN)

        def spot(
            centre: tuple[float, float],
            semi_axes: tuple[float, float],
            degrees: float,
            *rings: tuple[float, float, float],
        ) -> None:
            at, axes_of = ((size * each[0], size * each[1]) for each in (centre, semi_axes))
            self._spot(signal, at, axes_of, degrees, rings)

        for side in (-1, 1):
            spot((side * 0.30, -0.50), (0.18, 0.24), side * -12, (1.0, 0.2, _FAT))
            spot((side * 0.26, -0.38), (0.022, 0.14), side * -14, (1.0, 0.5, _GREY))
            spot((side * 0.31, -0.58), (0.13, 0.13), 0, (1.0, 0.15, _SKIN), (0.8, 0.15, _VITREOUS))
        spot((0.0, -0.55), (0.075, 0.24), 0, (1.0, 0.3, _AIR))  # nose
        spot((0.0, -0.20), (0.15, 0.07), 0, (1.0, 0.3, _AIR))  # sphenoid sinus
        # folia: thin sheets of white matter in the grey
        folia = [
            ring
            for bound in (0.79, 0.62, 0.45)
            for ring in ((bound, 0.05, _WHITE), (bound - 0.07, 0.05, _GREY))
        ]
        for side in (-1, 1):
            centre = side * 0.22, 0.42
            rings = ((1.12, 0.1, _FLUID), (1.0, 0.1, _GREY), *folia, (0.33, 0.1, _WHITE))
            spot(centre, (0.27, 0.24), side * -14, *rings)
        spot((0.0, 0.08), (0.13, 0.14), 0, (1.3, 0.15, _FLUID), (1.0, 0.15, _NUCLEI))  # brain stem

    def _spot(
        self,
        signal: Field,
        centre: tuple[float, float],
        semi_axes: tuple[float, float],
        degrees: float,
        rings: Sequence[tuple[float, float, float]],
    ) -> None:
        """Paint an ellipse and those within it: bound, width of the edge, and value of each."""
        reach = max(semi_axes) * math.sqrt(max(bound + width for bound, width, _ in rings))
        box = tuple(
            slice(*(int(each) for each in np.searchsorted(along, (middle - reach, middle + reach))))
            for along, middle in ((self._y[:, 0], centre[1]), (self._x[0], centre[0]))
        )
        squared = ellipse(self._x[:, box[1]], self._y[box[0]], centre, semi_axes, degrees)
        for bound, width, value in rings:
            _paint(signal[box], within(squared, bound, width), value)

    def _with_noise(self, signal: Field, number: int) -> NDArray[np.uint16]:
        """Magnitude of the signal with noise in both channels, which is Rician."""
        real, imaginary = (
            np.roll(noise, number * step) for noise, step in zip(self._noise, (37, 41), strict=True)
        )
        real += signal
        magnitude = np.sqrt(real * real + imaginary * imaginary)
        stored: NDArray[np.uint16] = np.clip(magnitude + np.float32(0.5), 0, 4095).astype(np.uint16)
        return stored


def _layered(size: float, edge: float) -> Field:
    """Signal by level of the radius, for a slice ``size`` times the widest."""
    radius = np.linspace(0, _CORNER / size, _LEVELS, dtype=np.float32)
    signal = np.full(_LEVELS, _AIR, np.float32)
    for bound, value in _LAYERS:
        _paint(signal, within(radius, bound, edge), value)
    return signal


def _paint(signal: Field, cover: Field, value: float) -> None:
    """Mix ``value`` into ``signal`` as far as ``cover`` (0 to 1) says."""
    signal += cover * (np.float32(value) - signal)


def heights(images: int) -> list[float]:
    """Heights of ``images`` slices from below to above, as ``MrHead.slice`` takes them."""
    return [1.8 * (number + 0.5) / images - 0.9 for number in range(images)]
