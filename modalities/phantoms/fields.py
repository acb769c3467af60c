"""Smooth fields that phantoms are put together from.

Only operations that IEEE 754 rounds exactly, element by element, so that every machine draws the
same bytes. Coordinates run from -1 to 1 across an image, positive to the right and down.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from modalities.studies.plan import StudyPlan

Field = NDArray[np.float32]


def axes(rows: int, columns: int) -> tuple[Field, Field]:
    """Pixel centres as (x, y), shaped (1, columns) and (rows, 1), ready for broadcasting."""
    return _centres(columns)[None, :], _centres(rows)[:, None]


def _centres(count: int) -> Field:
    return ((2 * np.arange(count, dtype=np.float32) + 1) / np.float32(count)) - np.float32(1)


def ellipse(
    x: Field,
    y: Field,
    centre: tuple[float, float],
    semi_axes: tuple[float, float],
    degrees: float = 0.0,
) -> Field:
    """Squared distance from ``centre`` in units of the semi-axes: 1 on the ellipse.

    ``degrees`` turns the ellipse clockwise as seen in the image.
    """
    across, down = x - np.float32(centre[0]), y - np.float32(centre[1])
    if degrees:
        cosine = np.float32(math.cos(math.radians(degrees)))
        sine = np.float32(math.sin(math.radians(degrees)))
        across, down = cosine * across + sine * down, cosine * down - sine * across
    across, down = across / np.float32(semi_axes[0]), down / np.float32(semi_axes[1])
    squared: Field = across * across + down * down
    return squared


def within(field: Field, edge: float, width: float) -> Field:
    """1 where ``field`` is well below ``edge``, 0 well above, a ramp ``width`` wide between."""
    ramp: Field = np.clip((np.float32(edge) - field) / np.float32(width) + np.float32(0.5), 0, 1)
    return ramp


def smooth_noise(plan: StudyPlan, shape: tuple[int, int], cells: int, stream: int) -> Field:
    """Noise without detail finer than a ``cells``-th of the image, mean 0, mostly within ±1.

    Quadratic B-splines over a lattice of ``plan.noise``.
    """
    lattice = plan.noise((cells + 2, cells + 2), stream)
    return _spline(_spline(lattice, shape[0], cells).T, shape[1], cells).T


def _spline(lattice: Field, count: int, cells: int) -> Field:
    """``lattice`` (cells + 2, n) interpolated along its first axis to (count, n)."""
    at = (_centres(count) + np.float32(1)) * np.float32(cells / 2)
    cell = np.minimum(at.astype(np.intp), cells - 1)
    part = (at - cell.astype(np.float32))[:, None]
    rest = np.float32(1) - part
    half = np.float32(0.5)
    mixed: Field = (
        lattice[cell] * (half * rest * rest)
        + lattice[cell + 1] * (half + part * rest)
        + lattice[cell + 2] * (half * part * part)
    )
    return mixed


def soften(field: Field, axis: int, times: int = 1) -> Field:
    """Average each element with its two neighbours along ``axis`` (weights 1, 2, 1)."""
    quarter, half = np.float32(0.25), np.float32(0.5)
    for _ in range(times):
        padded = np.pad(field, [(1, 1) if each == axis else (0, 0) for each in range(2)], "edge")
        low = padded[:-2] if axis == 0 else padded[:, :-2]
        high = padded[2:] if axis == 0 else padded[:, 2:]
        field = field * half + (low + high) * quarter
    return field
