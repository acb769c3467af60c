"""A heart in an apical four-chamber view, beating, as ultrasound with colour Doppler shows it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from modalities.phantoms.fields import Field, ellipse, smooth_noise, within
from modalities.phantoms.ultrasound import Fan, compressed, speckle
from modalities.studies.plan import StudyPlan

#: Echo amplitudes.
_BLOOD, _MUSCLE, _AROUND, _VALVE, _PERICARDIUM = 0.0015, 0.06, 0.014, 0.35, 0.3
#: Millimetres right of the middle beam, and below the transducer, of the mitral valve's middle.
_MITRAL: Final = (18.0, 102.0)
_TRICUSPID: Final = (-24.0, 98.0)
#: Blood velocity that has the brightest colour, and below which it has none, in cm/s.
_SCALE_CM_S, _LEAST_CM_S = 64.0, 9.0
#: Colour flow box: beams' range as fractions of the fan, depth in mm.
_BOX: Final = (0.47, 0.84, 52.0, 142.0)


class Heart:
    """Draws the screen at any phase of the beat; what does not move is computed once."""

    def __init__(self, plan: StudyPlan, fan: Fan) -> None:
        self._fan = fan
        self._x, self._z = fan.millimetres
        shape = fan.beams, fan.samples
        self._speckle = speckle(plan, fan, stream=1)
        self._turbulence = smooth_noise(plan, shape, 22, stream=3)
        self._waviness = smooth_noise(plan, shape, 5, stream=4) * np.float32(0.06)
        self._background = np.zeros((fan.rows, fan.columns, 3), np.uint8)
        fan.draw_scales(self._background)
        self._draw_colour_bar(self._background)
        self._box = np.zeros(shape, np.float32)
        first, last, near, far = _BOX
        self._box[
            int(first * fan.beams) : int(last * fan.beams),
            int(near / fan.depth_mm * fan.samples) : int(far / fan.depth_mm * fan.samples),
        ] = 1
        boxed = fan.converted(self._box) > 0.5
        self._boxed = fan.pixels[boxed]
        self._outline = self._outlined(boxed)

    @property
    def colour_box(self) -> tuple[int, int, int, int]:
        """The screen's part where flow is shown: first column and row, last column and row."""
        if not self._boxed.size:
            return self._fan.box
        rows, columns = np.divmod(self._boxed, self._fan.columns)
        return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())

    def screen(self, phase: float, number: int) -> NDArray[np.uint8]:
        """The screen (rows, columns, 3) at ``phase`` of the beat, from 0 where the ventricles
        are full to 1; ``number`` decides which noise is seen."""
        fan = self._fan
        squeeze = squeezed(phase)
        echo, blood = self._tissue(squeeze, opened(phase))
        # speckle belongs to the tissue and moves with it; in blood it is new each time
        echo *= np.roll(self._speckle, round(-6 * squeeze), 1)
        echo += np.float32(0.0012) * np.roll(self._speckle, (number * 29, number * 83), (0, 1))
        velocity = self._velocities(phase, number) * blood * self._box
        grey = compressed(fan.converted(echo))
        shown = np.repeat(grey[:, None], 3, axis=1)
        _colour(shown, fan.converted(velocity))
        screen = self._background.copy()
        flat = screen.reshape(-1, 3)
        flat[fan.pixels] = shown
        flat[self._outline] = (150, 150, 150)
        return screen

    def _tissue(self, squeeze: float, opening: float) -> tuple[Field, Field]:
        """Echo amplitudes, and how far each sample lies in blood, 0 to 1."""
        x, z = self._x, self._z
        wavy = self._waviness
        echo = np.full(x.shape, _AROUND, np.float32)
        outline = ellipse(x, z, (-3.0, 88.0), (61.0 - 3 * squeeze, 76.0), 2) + wavy
        _mix(echo, within(np.abs(outline - np.float32(1.04)), 0.035, 0.04), _PERICARDIUM)
        _mix(echo, within(outline, 1.0, 0.05), _MUSCLE)
        # ventricles get narrower and shorter, atria fill meanwhile: the valves' plane moves up
        plane = -11 * squeeze
        chambers = (
            ((20 - squeeze, 62 + plane / 2), (22 - 8 * squeeze, 40 + plane / 2), -4.0),
            ((-25 + 2 * squeeze, 68 + plane / 2), (17 - 6 * squeeze, 30 + plane / 2), 9.0),
            ((19.0, 124 + plane / 2), (18 + 4 * squeeze, 19 - plane / 2), 0.0),
            ((-23.0, 121 + plane / 2), (18 + 3 * squeeze, 20 - plane / 2), 4.0),
        )
        blood = np.zeros(x.shape, np.float32)
        for centre, semi_axes, degrees in chambers:
            chamber = ellipse(x, z, centre, semi_axes, degrees) + wavy
            np.maximum(blood, within(chamber, 1.0, 0.12), out=blood)
        for (across, down), width in ((_MITRAL, 13.0), (_TRICUSPID, 12.0)):
            orifice = ellipse(x, z, (across, down + plane), (width, 7.0))
            np.maximum(blood, within(orifice, 1.0, 0.3), out=blood)
        _mix(echo, blood, _BLOOD)
        for (across, down), width in ((_MITRAL, 15.0), (_TRICUSPID, 14.0)):
            self._draw_leaflets(echo, (across, down + plane), width, opening)
        return echo, blood

    def _draw_leaflets(
        self, echo: Field, middle: tuple[float, float], width: float, opening: float
    ) -> None:
        """Two leaflets hinged at the orifice's rim: together when closed, into the ventricle when
        open."""
        across, down = middle
        for side in (-1, 1):
            hinge = across + side * width, down + 1.0
            tip = across + side * (1.0 + 0.62 * width * opening), down - 1.0 - 15 * opening
            near = _distance_to_segment(self._x, self._z, hinge, tip)
            _mix(echo, within(near, 1.1, 1.0), _VALVE)

    def _velocities(self, phase: float, number: int) -> Field:
        """Of blood in cm/s, positive towards the transducer."""
        x, z = self._x, self._z
        turbulence = np.roll(self._turbulence, (number * 13, number * 31), (0, 1))
        inflow = inflow_at(phase)
        outflow = outflow_at(phase)
        across, down = _MITRAL
        jet = ellipse(x, z, (across, down - 8), (12.0, 40.0), -3)
        tract = ellipse(x, z, (across - 8, down - 22), (9.0, 32.0), 10)
        velocity = np.float32(70 * inflow) * np.clip(1 - jet, 0, 1)
        # on its way out, blood stays above the closed mitral valve
        above = within(z, down - 12, 4.0)
        velocity -= np.float32(85 * outflow) * np.clip(1 - tract, 0, 1) * above
        velocity *= np.float32(1) + np.float32(0.3) * turbulence
        return velocity

    def _outlined(self, boxed: NDArray[np.bool_]) -> NDArray[np.intp]:
        """The colour box's edge: pixels in it with a neighbour outside."""
        fan = self._fan
        mask = np.zeros(fan.rows * fan.columns, np.bool_)
        mask[fan.pixels[boxed]] = True
        mask = np.pad(mask.reshape(fan.rows, fan.columns), 1)
        inner = mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
        return np.flatnonzero(mask[1:-1, 1:-1] & ~inner)

    def _draw_colour_bar(self, screen: NDArray[np.uint8]) -> None:
        rows, columns = screen.shape[:2]
        velocities = np.linspace(_SCALE_CM_S, -_SCALE_CM_S, max(rows // 4, 1), dtype=np.float32)
        bar = np.zeros((velocities.size, 3), np.uint8)
        _colour(bar, velocities)
        top, left = rows * 55 // 100, columns * 95 // 100
        screen[top : top + len(bar), left : left + max(columns // 50, 1)] = bar[:, None]


def squeezed(phase: float) -> float:
    """How far the ventricles are contracted: 0 full, 1 empty."""
    emptied, sucked, pushed = (
        _ramp(phase, start, end) for start, end in ((0.02, 0.34), (0.42, 0.64), (0.84, 0.97))
    )
    return emptied - 0.85 * sucked - 0.15 * pushed


def inflow_at(phase: float) -> float:
    """Flow into the left ventricle, 0 to 1: a fast wave, then the atrium's."""
    return _pulse(phase, 0.44, 0.52, 0.66) + 0.7 * _pulse(phase, 0.82, 0.89, 0.97)


def outflow_at(phase: float) -> float:
    """Flow out of the left ventricle, 0 to 1."""
    return _pulse(phase, 0.05, 0.15, 0.36)


def opened(phase: float) -> float:
    """How far mitral and tricuspid valve are open, 0 to 1."""
    return max(_pulse(phase, 0.42, 0.52, 0.72), 0.35 * _pulse(phase, 0.6, 0.7, 0.9)) + (
        0.8 * _pulse(phase, 0.80, 0.89, 0.99)
    )


def _ramp(value: float, start: float, end: float) -> float:
    """0 before ``start``, 1 after ``end``, smooth between."""
    part = min(max((value - start) / (end - start), 0.0), 1.0)
    return part * part * (3 - 2 * part)


def _pulse(value: float, start: float, top: float, end: float) -> float:
    return _ramp(value, start, top) - _ramp(value, top, end)


def _distance_to_segment(
    x: Field, z: Field, start: tuple[float, float], end: tuple[float, float]
) -> Field:
    along, down = end[0] - start[0], end[1] - start[1]
    length = max(along * along + down * down, 1e-6)
    from_x, from_z = x - np.float32(start[0]), z - np.float32(start[1])
    part = (from_x * np.float32(along) + from_z * np.float32(down)) / np.float32(length)
    part = np.clip(part, 0, 1)
    off_x, off_z = from_x - part * np.float32(along), from_z - part * np.float32(down)
    distance: Field = np.sqrt(off_x * off_x + off_z * off_z)
    return distance


def _colour(shown: NDArray[np.uint8], velocity: Field) -> None:
    """Put velocities (n) in colour over the greys ``shown`` (n, 3): towards the transducer red to
    yellow, away blue to cyan."""
    flowing = np.abs(velocity) >= _LEAST_CM_S
    speed = np.minimum(np.abs(velocity[flowing]) * np.float32(255 / _SCALE_CM_S), 255)
    strong = np.minimum(np.float32(90) + speed, 255).astype(np.uint8)
    faint = np.clip((speed - 110) * np.float32(1.6), 0, 235).astype(np.uint8)
    towards = velocity[flowing] > 0
    nothing = np.zeros_like(strong)
    shown[flowing] = np.stack(
        [np.where(towards, strong, nothing), faint, np.where(towards, nothing, strong)], axis=1
    )


def _mix(echo: Field, cover: Field, amplitude: float) -> None:
    echo += cover * (np.float32(amplitude) - echo)
