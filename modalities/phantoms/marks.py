"""Marks in pixels besides what a console burns in: lead letters, rulers' figures, text of a
screen."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from modalities.studies.burn_in import burn
from modalities.studies.plan import StudyPlan

Mask = NDArray[np.bool_]


def console_text(plan: StudyPlan, number: int) -> Mask:
    """Which pixels of an image ``plan.burn`` lights; for cines, whose frames share them."""
    lit = np.zeros((plan.rows, plan.columns), np.bool_)
    plan.burn(lit, True, number)
    return lit


@lru_cache(maxsize=256)
def letters(text: str, size: int) -> Mask:
    """``text`` (Latin-1) in a bitmap font, its pixels ``size`` wide, cropped to what is lit."""
    room = np.zeros((16, 16 + 12 * len(text)), np.bool_)
    burn(room, True, text)
    down, across = np.nonzero(room)
    if not down.size:
        return np.zeros((0, 0), np.bool_)
    cropped = room[down.min() : down.max() + 1, across.min() : across.max() + 1]
    return np.kron(cropped, np.ones((size, size), np.bool_))


def place(shape: tuple[int, ...], mask: Mask, down: float, across: float) -> Mask | None:
    """``mask`` in an otherwise dark image of ``shape``, its middle at fractions ``down`` and
    ``across`` of it; None where it does not fit."""
    top = int(down * shape[0]) - mask.shape[0] // 2
    left = int(across * shape[1]) - mask.shape[1] // 2
    bottom, right = top + mask.shape[0], left + mask.shape[1]
    if top < 0 or left < 0 or bottom > shape[0] or right > shape[1]:
        return None
    placed = np.zeros(shape[:2], np.bool_)
    placed[top:bottom, left:right] = mask
    return placed
