"""A photograph of a forearm with a mole on it, on a drape, with a ruler."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from modalities.phantoms.fields import Field, ellipse, smooth_noise, soften, within
from modalities.phantoms.marks import letters, place
from modalities.phantoms.projection import Canvas, chord, curve
from modalities.studies.plan import StudyPlan

#: Width of the image in units of its height.
WIDTH: Final = 4 / 3
#: How much of the photographed field is as high as the image, mm.
FIELD_MM: Final = 90.0
_DRAPE: Final = (38.0, 104.0, 112.0)
_SKIN: Final = (226.0, 172.0, 142.0)
_MOLE: Final = (112.0, 68.0, 50.0)
_DARK: Final = (58.0, 34.0, 30.0)
_HAIR: Final = (86.0, 62.0, 48.0)
_ARM: Final = ((-1.7, -0.15, 0.62), (-0.2, -0.10, 0.66), (1.7, -0.20, 0.70))

Picture = NDArray[np.float32]


def photograph(plan: StudyPlan) -> NDArray[np.uint8]:
    """(rows, columns, 3)."""
    shape = plan.rows, plan.columns
    canvas = Canvas(*shape, width=WIDTH)
    weave = smooth_noise(plan, shape, 70, 1) * np.float32(0.06)
    folds = smooth_noise(plan, shape, 5, 2) * np.float32(0.18)
    picture = _coloured(shape, _DRAPE) * (np.float32(0.8) + weave + folds)[..., None]
    squared = np.full(shape, 2, np.float32)
    box, inside, _ = canvas.along(curve(_ARM))
    squared[box] = inside
    shadow = within(np.roll(squared, plan.rows // 25, axis=0), 1.1, 0.3) * np.float32(0.45)
    picture *= (np.float32(1) - shadow)[..., None]
    _paint(picture, within(squared, 1.0, 0.02), _shaded_skin(plan, squared))
    _mole(plan, canvas, picture)
    _hair(plan, picture, within(squared, 0.9, 0.1))
    for channel in range(3):
        picture[..., channel] = soften(soften(picture[..., channel], 0), 1)
    _ruler(picture)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _shaded_skin(plan: StudyPlan, squared: Field) -> Picture:
    """Round like an arm, lit from above, with pores and a little redness."""
    shape = squared.shape
    pores = sum(
        smooth_noise(plan, (shape[0], shape[1]), cells, stream) * np.float32(strength)
        for cells, stream, strength in ((160, 3, 0.022), (80, 4, 0.018), (24, 5, 0.014))
    )
    light = np.float32(0.55) + np.float32(0.47) * chord(squared * np.float32(0.98)) + pores
    skin = _coloured(shape, _SKIN) * light[..., None]
    red = smooth_noise(plan, (shape[0], shape[1]), 9, 6) * np.float32(7)
    skin[..., 1] -= red
    skin[..., 2] -= red
    return skin


def _mole(plan: StudyPlan, canvas: Canvas, picture: Picture) -> None:
    """Lopsided, of several browns: what a dermatologist would want a second look at."""
    shape = canvas.field.shape
    ragged = smooth_noise(plan, (shape[0], shape[1]), 22, 7) * np.float32(0.22)
    mole = ellipse(canvas.x, canvas.y, (0.10, -0.14), (0.20, 0.155), -25) + ragged
    redness = within(mole, 1.6, 1.4) * np.float32(0.25)
    _paint(picture, redness, _coloured(shape, (205.0, 120.0, 105.0)))
    _paint(picture, within(mole, 1.0, 0.35) * np.float32(0.9), _coloured(shape, _MOLE))
    net = within(np.abs(smooth_noise(plan, (shape[0], shape[1]), 75, 8)), 0.1, 0.2)
    _paint(picture, within(mole, 0.8, 0.3) * net * np.float32(0.55), _coloured(shape, _DARK))
    dark = ellipse(canvas.x, canvas.y, (0.16, -0.17), (0.08, 0.06), 15) + ragged
    _paint(picture, within(dark, 1.0, 0.5) * np.float32(0.85), _coloured(shape, _DARK))


def _hair(plan: StudyPlan, picture: Picture, skin: Field) -> None:
    canvas = Canvas(picture.shape[0], picture.shape[1], width=WIDTH)
    for word in plan.bits(46, stream=9):
        bits = int(word)
        x = ((bits & 1023) / 1023 - 0.5) * 2.5
        y = ((bits >> 10 & 1023) / 1023 - 0.5) * 1.1 - 0.12
        long = 0.10 + 0.12 * (bits >> 20 & 255) / 255
        bend = 0.05 * ((bits >> 28 & 255) / 255 - 0.5)
        hair = [(x, y, 0.004), (x + long / 2, y + bend + 0.02, 0.0035), (x + long, y + 0.05, 0.002)]
        canvas.tube(curve(hair, 3), 0.7, joined=True)
    _paint(picture, canvas.field * skin, _coloured(skin.shape, _HAIR))


def _ruler(picture: Picture) -> None:
    """Millimetres along the lower edge, numbered in centimetres."""
    rows, columns = picture.shape[:2]
    top, bottom = int(0.83 * rows), int(0.96 * rows)
    left, right = int(0.05 * columns), int(0.95 * columns)
    picture[top:bottom, left:right] = (238, 238, 230)
    millimetre = rows / FIELD_MM
    if millimetre < 2:  # ticks would touch
        return
    for tick in range(1, int((right - left) / millimetre)):
        across = left + round(tick * millimetre)
        height = 0.55 if tick % 10 == 0 else 0.4 if tick % 5 == 0 else 0.25
        low = top + int((bottom - top) * height)
        picture[top:low, across : across + max(rows // 480, 1)] = (20, 20, 20)
        if tick % 10 == 0:
            figure = letters(str(tick // 10), max(rows // 480, 1))
            mask = place(picture.shape, figure, 0.93, across / columns)
            if mask is not None:
                picture[mask] = (20, 20, 20)


def _coloured(shape: tuple[int, ...], colour: tuple[float, float, float]) -> Picture:
    return np.broadcast_to(np.array(colour, np.float32), (shape[0], shape[1], 3))


def _paint(picture: Picture, cover: Field, colour: Picture) -> None:
    """Mix ``colour`` into ``picture`` as far as ``cover`` (0 to 1) says."""
    picture += cover[..., None] * (colour - picture)
