"""A chest from behind to in front (PA), as a detector sees it: patient's right on the left."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from modalities.phantoms.fields import Field, ellipse, soften, within
from modalities.phantoms.projection import Canvas, Knot, curve
from modalities.studies.plan import StudyPlan

#: Attenuation that no pixel exceeds by much.
MOST: Final = 7.0
_RIBS: Final = 10
_VERTEBRA: Final = 0.125


def chest(plan: StudyPlan) -> Field:
    """Attenuation at each pixel, from 0 in air to about ``MOST``."""
    body = Canvas(plan.rows, plan.columns)
    _soft_tissue(body)
    lungs = _lungs(plan)
    body.field -= lungs
    _mediastinum(body)
    _vessels(plan, body, lungs)
    _skeleton(body)
    np.maximum(body.field, np.float32(0), out=body.field)
    return soften(soften(body.field, 0, 2), 1, 2)


def _soft_tissue(body: Canvas) -> None:
    body.ellipsoid((0.0, 0.35), (0.88, 1.5), 3.3, power=2)
    body.tube([(0.0, -1.4, 0.24), (0.0, -0.9, 0.25), (0.0, -0.3, 0.5)], 1.7)
    for side in (-1, 1):
        arm = [(side * 0.15, -0.80, 0.18), (side * 0.65, -0.66, 0.25), (side * 1.15, -0.4, 0.26)]
        body.tube(curve(arm), 1.9)
        # the diaphragm's organs: liver on the right, stomach and spleen on the left
        body.ellipsoid((side * 0.36, 1.0), (0.5, 0.62), 1.1, power=2)
    body.ellipsoid((0.42, 0.68), (0.13, 0.09), -0.7)  # air in the stomach


def _lungs(plan: StudyPlan) -> Field:
    """How much less attenuates where there is lung."""
    air = Canvas(plan.rows, plan.columns)
    for side in (-1, 1):
        box, squared, _ = air.along(
            curve(
                [
                    (side * 0.22, -0.62, 0.13),
                    (side * 0.31, -0.32, 0.24),
                    (side * 0.36, 0.10, 0.31),
                    (side * 0.37, 0.60, 0.33),
                ]
            )
        )
        flat = squared * squared * squared
        lung = within(flat, 1.0, 0.5) * (
            np.float32(1.7) + np.float32(0.6) * (1 - np.minimum(flat, 1))
        )
        dome = ellipse(
            air.x[:, box[1]], air.y[box[0]], (side * 0.36, 0.98 if side > 0 else 0.93), (0.47, 0.47)
        )
        air.field[box] += lung * (1 - within(dome, 1.0, 0.06))
    return air.field


def _mediastinum(body: Canvas) -> None:
    body.tube([(0.0, -1.0, 0.13), (0.0, 0.0, 0.15), (0.0, 1.1, 0.17)], 1.0)
    body.ellipsoid((0.15, 0.28), (0.36, 0.25), 2.3, degrees=32, power=2)  # heart
    body.ellipsoid((-0.08, 0.22), (0.13, 0.25), 1.3)  # right atrium
    body.ellipsoid((0.12, -0.26), (0.105, 0.10), 0.9)  # aortic arch
    body.tube([(0.14, -0.24, 0.07), (0.13, 0.3, 0.065), (0.06, 1.0, 0.06)], 0.45)
    body.tube([(-0.1, -0.5, 0.06), (-0.12, -0.05, 0.08)], 0.5)  # superior vena cava
    body.tube([(0.0, -1.1, 0.055), (0.01, -0.2, 0.05)], -0.8)  # trachea
    for side in (-1, 1):
        body.tube([(0.01, -0.2, 0.042), (side * 0.16, -0.05, 0.03)], -0.5)
        body.ellipsoid((side * 0.19, -0.01), (0.07, 0.12), 0.7)  # hilum


def _vessels(plan: StudyPlan, body: Canvas, lungs: Field) -> None:
    """Vessels that fork from each hilum outwards, seen only where there is lung around them."""
    chances = iter((plan.bits(2048, stream=3) >> np.uint64(40)).astype(int).tolist())
    tree = Canvas(plan.rows, plan.columns)
    for side in (-1, 1):
        for degrees in (-72, -40, -12, 14, 38, 60):
            start = (side * 0.19, degrees / 1000, 0.021)
            for knots in _forks(start, side, degrees, 0.27, 4, chances):
                tree.tube(knots, knots[0][2] * 30, joined=True)
    body.field += tree.field * np.minimum(lungs, np.float32(1))


def _forks(
    start: Knot, side: int, degrees: float, length: float, left: int, chances: Iterator[int]
) -> Iterator[list[Knot]]:
    turn = math.radians(degrees)
    x, y, radius = start
    end = (x + side * length * math.cos(turn), y + length * math.sin(turn), radius * 0.68)
    bend = (next(chances) % 100 - 50) / 2000
    middle = ((x + end[0]) / 2 + bend, (y + end[1]) / 2 - bend, radius * 0.84)
    yield curve([start, middle, end], 4)
    if left > 1:
        for apart in (-1, 1):
            other = degrees + apart * (14 + next(chances) % 22)
            yield from _forks(end, side, other, length * 0.72, left - 1, chances)


def _skeleton(body: Canvas) -> None:
    for number in range(17):  # vertebrae, and lighter discs between them
        y = -1.0 + number * _VERTEBRA
        body.ellipsoid((0.0, y), (0.085, 0.056), 0.75, power=2)
        body.ellipsoid((0.0, y + 0.01), (0.014, 0.035), 0.35)  # spinous process
        for side in (-1, 1):
            body.ellipsoid((side * 0.055, y - 0.012), (0.016, 0.024), 0.35)  # pedicle
    for number in range(_RIBS):
        y = -0.66 + number * 0.118
        reach = 0.30 + 0.42 * math.sqrt((number + 0.4) / _RIBS)
        drop = 0.10 + 0.024 * number
        for side in (-1, 1):
            back = [
                (side * 0.07, y, 0.024),
                (side * 0.45 * reach, y - 0.03, 0.024),
                (side * 0.80 * reach, y + 0.30 * drop, 0.022),
                (side * reach, y + drop, 0.019),
            ]
            body.tube(curve(back), 0.85, hollow=0.72)
            if number < _RIBS - 2:
                front = [
                    back[-1],
                    (side * 0.93 * reach, y + 1.7 * drop, 0.021),
                    (side * 0.66 * reach, y + 2.35 * drop, 0.025),
                    (side * 0.46 * reach, y + 2.5 * drop, 0.027),
                ]
                body.tube(curve(front), 0.45, hollow=0.7)
    for side in (-1, 1):
        clavicle = [
            (side * 0.06, -0.62, 0.034),
            (side * 0.22, -0.66, 0.025),
            (side * 0.45, -0.75, 0.022),
            (side * 0.72, -0.74, 0.03),
        ]
        body.tube(curve(clavicle), 1.0, hollow=0.7)
        blade = [(side * 0.80, -0.62, 0.05), (side * 0.74, -0.3, 0.06), (side * 0.70, 0.02, 0.03)]
        body.tube(curve(blade), 0.55, hollow=0.55)
        body.ellipsoid((side * 0.93, -0.68), (0.12, 0.12), 1.2)  # head of the humerus
        body.tube([(side * 0.95, -0.62, 0.08), (side * 1.15, 0.0, 0.065)], 1.2, hollow=0.6)
