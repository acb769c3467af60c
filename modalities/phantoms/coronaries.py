"""A left coronary artery with a stenosis, as a C-arm sees it while contrast runs through."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modalities.phantoms.fields import Field, smooth_noise, soften
from modalities.phantoms.projection import Canvas, Knot, chord, curve, levels
from modalities.studies.plan import StudyPlan

#: Attenuation that no pixel exceeds by much, and levels up to there.
MOST: Final = 6.0
LEVELS: Final = 1024
_VESSEL: Final = 22.0  # attenuation of a vessel of radius 1
_ARRIVALS: Final = 256

#: (left, down, in front, radius), heart-sized
Point = tuple[float, float, float, float]


class Branch(NamedTuple):
    """A vessel, and how far along the way from the ostium it begins and ends (0 to 1)."""

    points: tuple[Point, ...]
    begins: float
    ends: float


_TREE: Final = (
    Branch(((-0.30, -0.46, 0.02, 0.034), (-0.12, -0.43, 0.06, 0.033)), 0.0, 0.08),  # main stem
    Branch(  # anterior descending, narrow in its second part
        (
            (-0.12, -0.43, 0.06, 0.031),
            (0.06, -0.37, 0.24, 0.029),
            (0.17, -0.22, 0.36, 0.027),
            (0.20, -0.15, 0.39, 0.011),
            (0.23, -0.08, 0.41, 0.024),
            (0.29, 0.18, 0.43, 0.020),
            (0.25, 0.48, 0.34, 0.015),
            (0.12, 0.66, 0.18, 0.009),
        ),
        0.08,
        0.85,
    ),
    Branch(  # circumflex
        (
            (-0.12, -0.43, 0.06, 0.029),
            (-0.02, -0.34, -0.18, 0.027),
            (0.08, -0.12, -0.42, 0.024),
            (0.06, 0.14, -0.50, 0.019),
            (-0.04, 0.36, -0.42, 0.012),
            (-0.10, 0.48, -0.34, 0.008),
        ),
        0.08,
        0.75,
    ),
    Branch(
        (
            (0.10, -0.33, 0.29, 0.018),
            (0.36, -0.16, 0.26, 0.016),
            (0.56, 0.10, 0.12, 0.012),
            (0.62, 0.34, 0.02, 0.007),
        ),
        0.22,
        0.72,
    ),  # first diagonal
    Branch(
        ((0.25, 0.0, 0.42, 0.015), (0.42, 0.18, 0.30, 0.012), (0.50, 0.42, 0.18, 0.007)), 0.44, 0.82
    ),  # second diagonal
    Branch(
        (
            (0.02, -0.26, -0.28, 0.019),
            (0.26, -0.06, -0.42, 0.017),
            (0.44, 0.22, -0.36, 0.012),
            (0.50, 0.46, -0.22, 0.007),
        ),
        0.22,
        0.75,
    ),  # first obtuse marginal
    Branch(
        ((0.08, 0.02, -0.47, 0.016), (0.24, 0.24, -0.46, 0.012), (0.30, 0.50, -0.30, 0.007)),
        0.42,
        0.80,
    ),  # second
    *(
        Branch(
            (
                (x, y, z, 0.009),
                (x - 0.12, y + 0.14, z - 0.08, 0.007),
                (x - 0.17, y + 0.30, z - 0.14, 0.004),
            ),
            0.3 + y / 2,
            0.5 + y / 2,
        )
        for x, y, z in ((0.19, -0.18, 0.38), (0.25, -0.02, 0.42), (0.29, 0.16, 0.43))
    ),  # septal branches
)


class Coronaries:
    """Levels of attenuation (see ``projection.levels``) from one direction."""

    def __init__(self, plan: StudyPlan, primary: float, secondary: float) -> None:
        """Positioner Primary and Secondary Angle in degrees: towards the patient's left, and
        towards the head."""
        self._turn = math.radians(primary), math.radians(secondary)
        vessels, arrival = self._filled(plan)
        self._vessels = levels(soften(soften(vessels, 0), 1), MOST, LEVELS)
        self._arrival = arrival
        self._still = levels(self._background(plan), MOST, LEVELS)

    def frame(self, time: float, contraction: float) -> NDArray[np.int16]:
        """Levels, some above ``LEVELS``, at ``time`` from 0 (before the injection) to 1 (washed
        out), while the heart is contracted from 0 to 1."""
        filled = np.array([_opacity(time, each / _ARRIVALS) for each in range(_ARRIVALS)], np.int16)
        (across, below, _), *_ = self._seen(_TREE[0].points)  # the ostium stays where it is
        down, right = (
            _contracted(count, centre, contraction)
            for count, centre in zip(self._vessels.shape, (below, across), strict=True)
        )
        thickness = self._vessels[down][:, right].astype(np.int32)
        thickness *= filled[self._arrival[down][:, right]]
        seen: NDArray[np.int16] = (thickness >> 8).astype(np.int16) + self._still
        return seen

    def _filled(self, plan: StudyPlan) -> tuple[Field, NDArray[np.uint8]]:
        """Attenuation of filled vessels, and when contrast arrives in them."""
        canvas = Canvas(plan.rows, plan.columns)
        arrival = np.zeros(canvas.field.shape, np.uint8)
        for branch in _TREE:
            box, squared, position = canvas.along(curve(self._seen(branch.points)))
            radius = max(point[3] for point in branch.points)
            thickness = chord(squared) * np.float32(_VESSEL * radius)
            when = np.float32(branch.begins) + position * np.float32(branch.ends - branch.begins)
            nearer = thickness > canvas.field[box]
            canvas.field[box] = np.maximum(canvas.field[box], thickness)
            # a margin keeps edges that are softened later in step with their vessel
            outside = (squared < 2.5) & (canvas.field[box] == 0)
            arrival[box][nearer | outside] = (when * np.float32(_ARRIVALS - 1)).astype(np.uint8)[
                nearer | outside
            ]
        return canvas.field, arrival

    def _seen(self, points: Sequence[Point]) -> list[Knot]:
        primary, secondary = self._turn
        knots = []
        for left, down, front, radius in points:
            across = left * math.cos(primary) - front * math.sin(primary)
            depth = left * math.sin(primary) + front * math.cos(primary)
            below = down * math.cos(secondary) + depth * math.sin(secondary)
            knots.append((across * 1.15 - 0.05, below * 1.15, radius * 1.15))
        return knots

    def _background(self, plan: StudyPlan) -> Field:
        """Spine, ribs, heart, diaphragm and the catheter."""
        body = Canvas(plan.rows, plan.columns)
        body.field += np.float32(1.0)
        primary = self._turn[0]
        spine = 0.9 * math.sin(primary) - 0.05  # it is behind, so it moves the other way
        for number in range(9):
            y = -1.0 + number * 0.27
            body.ellipsoid((spine, y), (0.20, 0.12), 0.5, power=2)
        body.tube([(spine, -1.2, 0.24), (spine, 1.2, 0.24)], 0.35)
        body.ellipsoid((0.12, 0.1), (0.75, 0.62), 0.45, degrees=35)
        body.ellipsoid((0.35, 1.25), (1.3, 0.62), 0.7, power=2)
        for number in range(7):
            y = -1.1 + number * 0.33
            rib = [(spine, y, 0.05), (spine + 0.8, y + 0.1, 0.05), (spine + 1.5, y + 0.6, 0.05)]
            other = [(spine, y, 0.05), (spine - 0.8, y + 0.1, 0.05), (spine - 1.5, y + 0.6, 0.05)]
            for course in (rib, other):
                body.tube(curve(course), 0.25, hollow=0.6)
        (x, y, _), (x_in, y_in, _) = self._seen(_TREE[0].points)
        catheter = [
            (x - 0.12, -1.2, 0.016), (x - 0.14, -0.85, 0.016), (x - 0.16, y - 0.16, 0.016),
            (x - 0.13, y + 0.02, 0.015), (x + 0.2 * (x_in - x), y + 0.2 * (y_in - y), 0.014),
        ]  # fmt: skip
        body.tube(curve(catheter), 0.8)
        cloud = smooth_noise(plan, (plan.rows, plan.columns), 12, 2) * np.float32(0.06)
        return soften(soften(np.maximum(body.field + cloud, 0), 0, 2), 1, 2)


def _opacity(time: float, arrival: float) -> int:
    """Of a vessel, from 0 to 256: contrast fills it quickly and leaves it slowly."""
    since = time - 0.12 - 0.22 * arrival
    filling = min(max(since / 0.07, 0.0), 1.0)
    leaving = min(max((since - 0.38) / 0.3, 0.0), 1.0)
    return round(256 * filling * (1 - 0.95 * leaving))


def _contracted(count: int, centre: float, contraction: float) -> NDArray[np.intp]:
    """From which row or column each one is seen when the heart has contracted."""
    middle = (1 + centre) / 2 * count
    at = middle + (np.arange(count) + 0.5 - middle) * (1 + 0.07 * contraction)
    seen: NDArray[np.intp] = np.clip(at, 0, count - 1).astype(np.intp)
    return seen


def beat(phase: float) -> float:
    """Contraction of the heart at ``phase`` of its cycle, from 0 to 1: quick in, slower out."""
    phase %= 1.0
    if phase < 0.35:
        return 0.5 - 0.5 * math.cos(math.pi * phase / 0.35)
    return max(0.5 + 0.5 * math.cos(math.pi * (phase - 0.35) / 0.45), 0.0) if phase < 0.8 else 0.0
