"""The head that the CT family shows: its shape, and its outlines in patient coordinates.

Coordinates are those of PS3.3 C.7.6.2.1.1, in mm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

FIELD_OF_VIEW: Final = 250.0
SLICE_SPACING: Final = 2.5
#: Semi-axes of the head and of a ventricle (left-right, front-back), and where the left ventricle
#: is: in halves of the field.
HEAD, VENTRICLE, BESIDE = (0.72, 0.88), (0.08, 0.30), (0.13, -0.08)
#: What is within the scalp, and within the skull, as a part of the head's area.
WITHIN_SCALP, WITHIN_SKULL = 0.93, 0.80
#: How far the ventricles reach up and down, where the head reaches 1.
_VENTRICLE_REACH: Final = 0.45
_POINTS: Final = 72

Point = tuple[float, float]


@dataclass(frozen=True)
class Ellipse:
    """An ellipse in an axial plane, mm."""

    centre: Point
    semi_axes: Point

    def points(self) -> list[Point]:
        """A closed polygon, without repeating its first point; to 0.01 mm."""
        turns = [2 * math.pi * each / _POINTS for each in range(_POINTS)]
        return [
            (
                round(self.centre[0] + self.semi_axes[0] * math.cos(turn), 2),
                round(self.centre[1] + self.semi_axes[1] * math.sin(turn), 2),
            )
            for turn in turns
        ]


def _height(number: int, slices: int) -> float:
    """Of slice ``number``, where the head reaches from -1 to 1."""
    return 1.8 * (number - 0.5) / slices - 0.9


def head_area(number: int, slices: int) -> float:
    """Area of the head in slice ``number`` of ``slices``, as a part of its largest."""
    return 1.0 - _height(number, slices) ** 2


def ventricle_area(number: int, slices: int) -> float:
    """The same of a ventricle; not above 0 where the slice is above or below it."""
    return 1.0 - (_height(number, slices) / _VENTRICLE_REACH) ** 2


@dataclass(frozen=True)
class HeadOutlines:
    """The outlines in a series of ``slices`` images of ``rows`` × ``columns``; images are counted
    from 1."""

    slices: int
    rows: int
    columns: int

    def z(self, number: int) -> float:
        """Where slice ``number`` is."""
        return (number - 1) * SLICE_SPACING

    def external(self, number: int) -> Ellipse:
        """The skin."""
        return self._scaled((0.0, 0.0), HEAD, head_area(number, self.slices))

    def brain(self, number: int) -> Ellipse:
        """The inside of the skull."""
        return self._scaled((0.0, 0.0), HEAD, WITHIN_SKULL * head_area(number, self.slices))

    def ventricles(self, number: int) -> list[Ellipse]:
        """Right and left, or none where the slice is above or below them."""
        area = ventricle_area(number, self.slices)
        if area <= 0:
            return []
        x, y = BESIDE
        return [self._scaled((side * x, y), VENTRICLE, area) for side in (-1, 1)]

    def _scaled(self, centre: Point, semi_axes: Point, area: float) -> Ellipse:
        # The phantom's -1 and 1 are the centres of the first and the last pixel.
        across, down = (FIELD_OF_VIEW / 2 * (n - 1) / n for n in (self.columns, self.rows))
        middle = (across - FIELD_OF_VIEW / 2, down - FIELD_OF_VIEW / 2)
        size = math.sqrt(area)
        return Ellipse(
            (middle[0] + across * centre[0], middle[1] + down * centre[1]),
            (across * semi_axes[0] * size, down * semi_axes[1] * size),
        )
