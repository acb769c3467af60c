"""A right hand seen from its back (PA), fingers up: the thumb is on the left."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

import numpy as np

from modalities.phantoms.fields import Field, smooth_noise, soften
from modalities.phantoms.projection import Canvas, Knot, curve
from modalities.studies.plan import StudyPlan

#: Attenuation that no pixel exceeds by much.
MOST: Final = 4.0
#: Width of the image in units of its height.
WIDTH: Final = 0.8
_SOFT, _BONE = 1.05, 1.7

Point = tuple[float, float]
#: Joints of each ray from the wrist to the tip.
_THUMB: Final = ((-0.165, 0.45), (-0.36, 0.23), (-0.475, 0.04), (-0.55, -0.11))
_FINGERS: Final = (
    ((-0.095, 0.38), (-0.195, -0.02), (-0.255, -0.33), (-0.29, -0.52), (-0.31, -0.66)),
    ((-0.01, 0.36), (-0.03, -0.06), (-0.04, -0.41), (-0.045, -0.63), (-0.05, -0.78)),
    ((0.065, 0.38), (0.13, 0.00), (0.18, -0.32), (0.205, -0.53), (0.22, -0.68)),
    ((0.125, 0.42), (0.25, 0.10), (0.335, -0.13), (0.385, -0.27), (0.42, -0.40)),
)
#: Bones of the wrist: middle, semi-axes, degrees.
_CARPALS: Final = (
    ((-0.10, 0.555), (0.065, 0.045), 35),  # scaphoid
    ((0.00, 0.575), (0.05, 0.045), 0),  # lunate
    ((0.085, 0.555), (0.045, 0.04), -20),  # triquetrum
    ((0.105, 0.53), (0.024, 0.024), 0),  # pisiform
    ((-0.155, 0.485), (0.042, 0.04), 20),  # trapezium
    ((-0.095, 0.455), (0.035, 0.038), 0),  # trapezoid
    ((-0.015, 0.47), (0.045, 0.07), 0),  # capitate
    ((0.07, 0.475), (0.045, 0.058), 12),  # hamate
)


def hand(plan: StudyPlan) -> Field:
    """Attenuation at each pixel, from 0 in air to about ``MOST``."""
    shape = plan.rows, plan.columns
    flesh, bones = (Canvas(*shape, width=WIDTH) for _ in range(2))
    _flesh(flesh)
    _bones(bones)
    trabeculae = np.float32(1) + smooth_noise(plan, shape, 150, stream=2) * np.float32(0.05)
    field = flesh.field + bones.field * trabeculae
    return soften(soften(field, 0), 1)


def _flesh(flesh: Canvas) -> None:
    for ray in (_THUMB, *_FINGERS):
        base, knuckle, *rest = ray
        thin = 0.075 if ray is _FINGERS[-1] else 0.088
        finger: list[Knot] = [(*knuckle, thin + 0.022)]
        finger += [(*joint, thin - 0.006 * number) for number, joint in enumerate(rest)]
        end, before = finger[-1], finger[-2]
        beyond = (end[0] + (end[0] - before[0]) * 0.18, end[1] + (end[1] - before[1]) * 0.18)
        finger.append((*beyond, thin - 0.024))
        flesh.tube(curve(finger), _SOFT * 0.9, joined=True)
        palm = [(*base, 0.15), (*_between(base, knuckle, 0.6), 0.145), (*knuckle, 0.10)]
        flesh.tube(curve(palm), _SOFT * 1.2, joined=True)
    wrist = [(-0.03, 0.35, 0.2), (0.0, 0.55, 0.225), (0.01, 0.72, 0.20), (0.02, 1.3, 0.25)]
    flesh.tube(curve(wrist), _SOFT * 1.3, joined=True)


def _bones(bones: Canvas) -> None:
    for ray in (_THUMB, *_FINGERS):
        for number, (near, far) in enumerate(pairwise(ray)):
            last = number == len(ray) - 2
            size = 0.046 - 0.006 * number + (0.004 if ray is _THUMB else 0.0)
            _long_bone(bones, near, far, size, last=last)
    for centre, semi_axes, degrees in _CARPALS:
        bones.ellipsoid(centre, semi_axes, _BONE * 0.72, degrees=degrees, power=2)
        inner = semi_axes[0] * 0.86, semi_axes[1] * 0.86
        bones.ellipsoid(centre, inner, -_BONE * 0.2, degrees=degrees, power=2)
    bones.tube(
        curve(
            [(-0.075, 0.665, 0.095), (-0.07, 0.74, 0.075), (-0.06, 0.9, 0.058), (-0.05, 1.2, 0.055)]
        ),
        _BONE * 1.05,
        hollow=0.55,
    )
    bones.tube(
        curve([(0.115, 0.66, 0.042), (0.115, 0.72, 0.05), (0.11, 0.85, 0.042), (0.11, 1.2, 0.045)]),
        _BONE * 0.95,
        hollow=0.55,
    )


def _long_bone(bones: Canvas, near: Point, far: Point, size: float, *, last: bool) -> None:
    """A bone between two joints, narrow in its middle; the ``last`` of a ray ends in a tuft."""
    length = math.dist(near, far)
    gap = 0.012 / length
    inset = size / length
    profile = (
        (gap + 0.7 * inset, 1.0),
        (gap + 1.5 * inset, 0.82),
        (0.45, 0.58),
        (0.62, 0.56),
        (1 - gap - 1.3 * inset, 0.72),
        (1 - gap - 0.75 * inset, 0.86),
    )
    if last:
        profile = (*profile[:2], (0.5, 0.52), (0.7, 0.42), (0.84, 0.5), (0.9, 0.48))
    knots = [(*_between(near, far, part), size * wide) for part, wide in profile]
    bones.tube(curve(knots), _BONE * (0.75 + 5 * size), hollow=0.62)


def _between(one: Point, other: Point, part: float) -> Point:
    return one[0] + (other[0] - one[0]) * part, one[1] + (other[1] - one[1]) * part
