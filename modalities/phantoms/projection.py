"""What an X-ray beam passes on its way to a pixel: bodies laid over each other, projected.

Only operations that IEEE 754 rounds exactly, element by element, so that every machine draws the
same bytes. Coordinates: y from -1 to 1 down the image, x from -width to width across it, so that
a circle stays one while the image keeps its family's proportions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from modalities.phantoms.fields import Field, axes
from modalities.studies.plan import StudyPlan

#: (x, y, radius)
Knot = tuple[float, float, float]
Box = tuple[slice, slice]

#: Where the cavity of a hollow tube begins, as a fraction of its radius.
_CAVITY: Final = 0.72


class Canvas:
    """Attenuation (thickness times attenuation coefficient) that adds up.

    Attributes:
        field: (rows, columns), 0 at first.
        x, y: coordinates of pixels, (1, columns) and (rows, 1).
    """

    def __init__(self, rows: int, columns: int, *, width: float = 1.0) -> None:
        self.field: Field = np.zeros((rows, columns), np.float32)
        x, self.y = axes(rows, columns)
        self.x: Field = x * np.float32(width)
        self._width = width

    def ellipsoid(
        self,
        centre: tuple[float, float],
        semi_axes: tuple[float, float],
        amount: float,
        *,
        degrees: float = 0.0,
        power: int = 1,
    ) -> None:
        """Add an ellipsoid whose middle attenuates by ``amount``, which carves it out
        where it is negative.

        ``degrees`` turns it clockwise as seen in the image. With a higher ``power`` it is flatter
        in the middle and steeper at the edge: a compressed body rather than a ball.
        """
        reach = max(semi_axes)
        box = self.box(centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach)
        across = self.x[:, box[1]] - np.float32(centre[0])
        down = self.y[box[0]] - np.float32(centre[1])
        if degrees:
            cosine = np.float32(math.cos(math.radians(degrees)))
            sine = np.float32(math.sin(math.radians(degrees)))
            across, down = cosine * across + sine * down, cosine * down - sine * across
        across, down = across / np.float32(semi_axes[0]), down / np.float32(semi_axes[1])
        squared = across * across + down * down
        for _ in range(power - 1):
            squared = squared * squared
        self.field[box] += np.float32(amount) * chord(squared)

    def tube(
        self, knots: Sequence[Knot], amount: float, *, hollow: float = 0.0, joined: bool = False
    ) -> None:
        """Add a tube along ``knots`` whose axis attenuates by ``amount``; of its own stretches the
        nearest counts.

        ``hollow`` is how much less its inside attenuates than its wall, as a fraction: 0 for a
        solid one. One that is ``joined`` grows together with what is there already, instead of
        lying on top of it.
        """
        box, squared, _ = self.along(knots)
        thickness = chord(squared)
        if hollow:
            inner = squared * np.float32(1 / _CAVITY**2)
            thickness -= np.float32(hollow * _CAVITY) * chord(inner)
        thickness *= np.float32(amount)
        if joined:
            self.field[box] = np.maximum(self.field[box], thickness)
        else:
            self.field[box] += thickness

    def along(self, knots: Sequence[Knot]) -> tuple[Box, Field, Field]:
        """The course of a tube.

        Returns:
            the box around it; for pixels in the box the squared distance from the axis in units of
            the radius there (values from 1 up are outside), and how far along the tube the nearest
            point of its axis is, from 0 to 1.
        """
        box = self.box(
            min(x - radius for x, _, radius in knots),
            min(y - radius for _, y, radius in knots),
            max(x + radius for x, _, radius in knots),
            max(y + radius for _, y, radius in knots),
        )
        across, down = self.x[:, box[1]], self.y[box[0]]
        nearest = np.full((down.shape[0], across.shape[1]), np.inf, np.float32)
        position = np.zeros_like(nearest)
        lengths = [math.dist(one[:2], other[:2]) for one, other in pairwise(knots)]
        whole, passed = sum(lengths) or 1.0, 0.0
        for (one, other), length in zip(pairwise(knots), lengths, strict=True):
            step = other[0] - one[0], other[1] - one[1]
            part = (across - np.float32(one[0])) * np.float32(step[0])
            part = part + (down - np.float32(one[1])) * np.float32(step[1])
            part = np.clip(part / np.float32(length * length or 1.0), 0, 1)
            radius = np.float32(one[2]) + part * np.float32(other[2] - one[2])
            off_x = across - np.float32(one[0]) - part * np.float32(step[0])
            off_y = down - np.float32(one[1]) - part * np.float32(step[1])
            squared = (off_x * off_x + off_y * off_y) / (radius * radius)
            closer = squared < nearest
            nearest[closer] = squared[closer]
            position[closer] = part[closer] * np.float32(length / whole) + np.float32(
                passed / whole
            )
            passed += length
        return box, nearest, position

    def box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """The pixels of a rectangle, as far as the image goes."""
        rows, columns = self.field.shape
        return (
            slice(*_range(top, bottom, 1.0, rows)),
            slice(*_range(left, right, self._width, columns)),
        )


def _range(low: float, high: float, reach: float, count: int) -> tuple[int, int]:
    first = math.floor((low + reach) / (2 * reach) * count) - 1
    last = math.ceil((high + reach) / (2 * reach) * count) + 1
    return min(max(first, 0), count), min(max(last, 0), count)


def chord(squared: Field) -> Field:
    """What a ball of radius 1 attenuates by at a squared distance from its middle; 0 outside."""
    inside: Field = np.sqrt(np.maximum(np.float32(1) - squared, np.float32(0)))
    return inside


def curve(knots: Sequence[Knot], steps: int = 6) -> list[Knot]:
    """``knots`` with ``steps`` between each two, on a smooth line through all of them
    (Catmull-Rom)."""
    padded = [knots[0], *knots, knots[-1]]
    smooth: list[Knot] = []
    for before, one, other, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for step in range(steps):
            t = step / steps
            x, y, radius = (
                0.5
                * (
                    2 * b
                    + (c - a) * t
                    + (2 * a - 5 * b + 4 * c - d) * t * t
                    + (3 * b - a - 3 * c + d) * t * t * t
                )
                for a, b, c, d in zip(before, one, other, after, strict=True)
            )
            smooth.append((x, y, max(radius, 1e-4)))
    return [*smooth, knots[-1]]


def levels(field: Field, most: float, count: int) -> NDArray[np.int16]:
    """``field`` from 0 to ``most`` as whole numbers from 0 to ``count`` - 1, for ``table``."""
    whole: NDArray[np.int16] = np.clip(field * np.float32(count / most), 0, count - 1).astype(
        np.int16
    )
    return whole


def table(
    tone: Callable[[float], float], most: float, count: int, highest: int
) -> NDArray[np.uint16]:
    """Stored values by level: ``tone`` maps attenuation (0 to ``most``) to 0…1, and 1 is stored as
    ``highest``.

    A table of whole numbers, because array versions of ``exp`` and the like differ in the last bit
    between machines.
    """
    values = (tone((level + 0.5) * most / count) for level in range(count))
    return np.array([round(min(max(v, 0.0), 1.0) * highest) for v in values], np.uint16)


def moved(pixels: NDArray[Any], down: int, right: int) -> NDArray[Any]:
    """``pixels`` moved by whole pixels; what comes into view continues the edge."""
    rows, columns = pixels.shape[:2]
    vertical = np.clip(np.arange(rows) - down, 0, rows - 1)
    horizontal = np.clip(np.arange(columns) - right, 0, columns - 1)
    return pixels[vertical][:, horizontal]


class Grain:
    """Noise for image after image or frame after frame, as if drawn anew each time."""

    def __init__(self, plan: StudyPlan, deviation: float) -> None:
        """``deviation`` is its standard deviation in levels or stored values."""
        noise = plan.noise((plan.rows, plan.columns)) * np.float32(deviation)
        self._noise = np.rint(noise).astype(np.int16)

    def of(self, number: int) -> NDArray[np.int16]:
        """Noise of image or frame ``number``, (rows, columns)."""
        return np.roll(self._noise, number * 7919 % max(self._noise.size, 1))
