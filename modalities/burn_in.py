"""Text burnt into pixels, as consoles do: a 5x7 bitmap font, no font library."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: Seven rows of five bits per character, most significant bit left.
_GLYPHS: Final[dict[str, tuple[int, ...]]] = {
    " ": (0, 0, 0, 0, 0, 0, 0),
    "0": (14, 17, 19, 21, 25, 17, 14),
    "1": (4, 12, 4, 4, 4, 4, 14),
    "2": (14, 17, 1, 2, 4, 8, 31),
    "3": (31, 2, 4, 2, 1, 17, 14),
    "4": (2, 6, 10, 18, 31, 2, 2),
    "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14),
    "7": (31, 1, 2, 4, 8, 8, 8),
    "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12),
    "A": (14, 17, 17, 31, 17, 17, 17),
    "B": (30, 17, 17, 30, 17, 17, 30),
    "E": (31, 16, 16, 30, 16, 16, 31),
    "L": (16, 16, 16, 16, 16, 16, 31),
    "N": (17, 25, 21, 19, 17, 17, 17),
    "O": (14, 17, 17, 17, 17, 17, 14),
    "S": (15, 16, 16, 14, 1, 1, 30),
    "U": (17, 17, 17, 17, 17, 17, 14),
    "Y": (17, 17, 10, 4, 4, 4, 4),
}
_HEIGHT, _ADVANCE, _MARGIN = 7, 6, 4


def burn(pixels: NDArray[Any], value: int, *texts: str) -> bool:
    """Write the first of ``texts`` that fits into the upper left corner of ``pixels``.

    ``pixels`` is (rows, columns); ``value`` is what a lit pixel gets. The text grows with the
    image. Returns whether any fitted.
    """
    rows, columns = pixels.shape[:2]
    scale = max(min(rows, columns) // 256, 1)
    top = left = _MARGIN * scale
    for text in texts:
        mask = _mask(text, scale)
        bottom, right = top + mask.shape[0], left + mask.shape[1]
        if bottom <= rows and right <= columns:
            pixels[top:bottom, left:right][mask] = value
            return True
    return False


@lru_cache(maxsize=64)
def _mask(text: str, scale: int) -> NDArray[np.bool_]:
    mask = np.zeros((_HEIGHT, _ADVANCE * len(text)), np.bool_)
    for index, character in enumerate(text):
        for row, bits in enumerate(_GLYPHS[character]):
            for column in range(5):
                mask[row, index * _ADVANCE + column] = bool(bits >> (4 - column) & 1)
    return np.kron(mask, np.ones((scale, scale), np.bool_))
