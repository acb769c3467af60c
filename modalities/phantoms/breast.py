"""A compressed breast: skin, fat, glandular tissue that runs to the nipple, and one finding."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from modalities.phantoms.fields import Field, ellipse, smooth_noise, soften, within
from modalities.phantoms.projection import Canvas, chord, curve
from modalities.studies.plan import StudyPlan

#: Attenuation that no pixel exceeds by much.
MOST: Final = 4.0
#: Width of the image in units of its height.
WIDTH: Final = 0.8125
_FAT, _GLAND, _MUSCLE, _SKIN, _LUMP, _CALCIUM = 0.9, 1.5, 0.95, 0.35, 0.8, 1.6
#: How often noise changes across the image, and how strongly.
_OCTAVES: Final = ((7, 0.5), (15, 0.34), (31, 0.22), (67, 0.13), (139, 0.07))
#: Depths, as fractions of the thickness, at which there is tissue of its own.
_LAYERS: Final = (0.1, 0.4, 0.7, 1.0)
#: Where the finding of the left breast is, from the chest wall and down, and how deep.
_FINDING: Final = {"CC": (0.52, -0.24), "MLO": (0.50, -0.05)}
_FINDING_DEPTH: Final = 0.45
#: Streams of random numbers are counted from here, apart from those of noise.
_STREAM: Final = 16


class View(NamedTuple):
    """``side`` is L or R, ``projection`` CC or MLO."""

    side: str
    projection: str

    @property
    def label(self) -> str:
        """``RMLO``."""
        return self.side + self.projection


VIEWS: Final = (View("R", "CC"), View("L", "CC"), View("R", "MLO"), View("L", "MLO"))


class Breast:
    """One breast in one projection, chest wall on the left for a left one, else on the right."""

    def __init__(self, plan: StudyPlan, view: View) -> None:
        self._plan, self._view = plan, view
        self._shape = plan.rows, plan.columns
        canvas = Canvas(*self._shape, width=WIDTH)
        # coordinates from here on: x from the chest wall towards the nipple
        self._x: Field = canvas.x + np.float32(WIDTH)
        self._y = canvas.y
        self._nipple = (0.96, 0.06) if view.projection == "CC" else (0.935, 0.26)
        self._edge = self._outline(canvas)
        self._thickness = chord(self._edge * self._edge * self._edge)
        self._muscle = self._pectoral()
        self._gland_room = self._room_for_glands()
        self._plain = self._without_glands()
        self._layers: dict[int, Field] = {}

    def projected(self) -> Field:
        """Attenuation through all of it, from 0 in air to about ``MOST``."""
        # two depths are enough to look like all of them
        tissue = (self._tissue(1) + self._tissue(2)) * np.float32(0.5)
        field = self._plain + tissue * np.float32(_GLAND)
        if self._view.side == "L":
            field = field + self._finding(sharpness=1.0)
        return self._finished(field)

    def slice(self, depth: float) -> Field:
        """The same for a reconstructed slice at ``depth``, from 0 to 1 of the thickness: what is
        far from it is blurred away."""
        at = min(max((depth - _LAYERS[0]) / (_LAYERS[1] - _LAYERS[0]), 0), len(_LAYERS) - 1.001)
        below, part = int(at), np.float32(at - int(at))
        one, other = self._tissue(below), self._tissue(below + 1)
        tissue: Field = one + (other - one) * part
        # less of it than in a projection: what is above and below is not in the way
        field = self._plain + tissue * np.float32(0.75 * _GLAND)
        if self._view.side == "L":
            field = field + self._finding(sharpness=max(1 - abs(depth - _FINDING_DEPTH) * 3, 0.0))
        return self._finished(field)

    def _finished(self, field: Field) -> Field:
        soft = soften(soften(field, 0), 1)
        return soft if self._view.side == "L" else soft[:, ::-1]

    def _outline(self, canvas: Canvas) -> Field:
        """1 on the skin, less inside."""
        if self._view.projection == "CC":
            edge = ellipse(self._x, self._y, (-0.05, 0.06), (1.05, 0.80))
        else:
            edge = ellipse(self._x, self._y, (-0.05, 0.24), (1.03, 0.64))
            wall = -WIDTH
            box, squared, _ = canvas.along(
                curve([(wall + 0.1, -1.5, 0.5), (wall + 0.12, -0.7, 0.56), (wall + 0.2, 0.1, 0.70)])
            )
            edge[box] = np.minimum(edge[box], squared)
        nipple = ellipse(self._x, self._y, self._nipple, (0.05, 0.045))
        outline: Field = np.minimum(edge, nipple * np.float32(0.3) + np.float32(0.7))
        return outline

    def _room_for_glands(self) -> Field:
        """How much of the thickness glands could take, from 0 to 1: a cone behind the nipple."""
        x, y = self._nipple
        back = ellipse(self._x, self._y, (x - 0.55, y - 0.06), (0.52, 0.50))
        neck = ellipse(self._x, self._y, (x - 0.20, y), (0.26, 0.20))
        ragged = smooth_noise(self._plan, self._shape, 9, self._stream(0)) * np.float32(0.4)
        room = within(np.minimum(back, neck) + ragged, 0.85, 0.9)
        return room * within(self._edge, 0.9, 0.12) * (1 - self._muscle)

    def _pectoral(self) -> Field:
        """Where there is muscle in front of the chest wall: seen obliquely, behind the breast."""
        if self._view.projection == "CC":
            return np.zeros(self._shape, np.float32)
        # its edge bulges a little
        slope = self._x + np.float32(0.42) * self._y + np.float32(0.05) * self._y * self._y
        return within(slope, 0.14, 0.03) * within(self._edge, 1.0, 0.1)

    def _without_glands(self) -> Field:
        field = self._thickness * np.float32(_FAT)
        field += within(-self._edge, -0.93, 0.06) * self._thickness * np.float32(_SKIN)
        field += self._muscle * np.float32(_MUSCLE)
        vessels = Canvas(*self._shape, width=WIDTH)
        start = self._nipple[0] - WIDTH
        for number, bits in enumerate(self._plan.bits(6, self._stream(1)) % np.uint64(1000)):
            off = (int(bits) / 1000 - 0.5) * 1.2
            down = self._nipple[1] + (off if number % 2 else off * 0.6)
            course = [
                (-WIDTH, down, 0.011),
                (start - 0.6, down + 0.08 * (number - 2), 0.010),
                (start - 0.1, self._nipple[1] + 0.25 * off, 0.006),
            ]
            vessels.tube(curve(course), 0.10)
            duct = [
                (start, self._nipple[1], 0.010),
                (start - 0.25, self._nipple[1] + 0.2 * off, 0.013),
                (start - 0.6, self._nipple[1] + 0.75 * off, 0.006),
            ]
            vessels.tube(curve(duct), 0.10)
        return field + vessels.field * within(self._edge, 0.95, 0.1)

    def _tissue(self, layer: int) -> Field:
        """What glands and their strands take up at a depth, from 0 to about 1."""
        if layer not in self._layers:
            stream = self._stream(2 + layer * len(_OCTAVES))
            cloud = np.zeros(self._shape, np.float32)
            strands = np.zeros(self._shape, np.float32)
            for number, (cells, strength) in enumerate(_OCTAVES):
                noise = smooth_noise(self._plan, self._shape, cells, stream + number)
                cloud += noise * np.float32(strength)
                # ridges, where noise passes 0, look like ligaments
                strands += within(np.abs(noise), 0.03, 0.05) * np.float32(strength)
            lobes = np.clip(np.float32(0.55) + cloud * np.float32(0.8), 0, 1.1)
            inside = within(self._edge, 0.93, 0.1)
            self._layers[layer] = self._gland_room * lobes + inside * strands * np.float32(0.28)
        return self._layers[layer]

    def _finding(self, sharpness: float) -> Field:
        """A lump with calcifications, as far as they are in focus."""
        canvas = Canvas(*self._shape, width=WIDTH)
        across, down = _FINDING[self._view.projection]
        across -= WIDTH
        canvas.ellipsoid((across, down), (0.065, 0.055), _LUMP * sharpness, degrees=30)
        for bits in self._plan.bits(14, _STREAM) % np.uint64(10**6):
            off = int(bits) // 1000 / 1000 - 0.5, int(bits) % 1000 / 1000 - 0.5
            grain = (across + 0.13 * off[0], down + 0.13 * off[1])
            canvas.ellipsoid(grain, (0.0045, 0.0035), _CALCIUM * sharpness)
        return canvas.field

    def _stream(self, number: int) -> int:
        return _STREAM + 1 + VIEWS.index(self._view) * 32 + number
