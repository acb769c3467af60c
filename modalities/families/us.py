"""Ultrasound Image Storage (PS3.3 A.6): right upper abdomen, curved transducer, grey.

Liver with vessels, gallbladder with a stone that casts a shadow, kidney, diaphragm.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import UltrasoundImageStorage

from modalities.families import family
from modalities.phantoms.fields import Field, ellipse, smooth_noise, within
from modalities.phantoms.ultrasound import Fan, compressed, speckle
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

_TISSUE: Final = 1
_TEXT_GREY: Final = 220
#: Echo amplitudes.
_FLUID, _LIVER, _CORTEX, _SINUS, _WALL, _STONE, _BEHIND = 0.002, 0.05, 0.028, 0.18, 0.3, 1.0, 0.014
#: Layers from the skin: depth in mm where each ends, amplitude.
_LAYERS: Final = ((23.5, 0.35), (22.0, 0.03), (13.0, 0.3), (11.5, 0.055), (2.0, 0.4))


@family(
    "US",
    title="Ultrasound of the right upper abdomen, single frame",
    sop_class=UltrasoundImageStorage,
    pixels=PixelFormat(bits=8),
    size=(600, 800),
)
def us(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Views while the transducer is tilted."""
    _describe(plan, shared)
    fan = Fan(plan.rows, plan.columns, 60.0, 160.0, 33.0, beams=224, samples=560)
    abdomen = _Abdomen(plan, fan)
    for number in range(1, plan.images + 1):
        image = plan.object(shared, UltrasoundImageStorage, number)
        image.SequenceOfUltrasoundRegions = [fan.region(fan.box, _TISSUE)]
        pixels = abdomen.view(number)
        burnt = plan.burn(pixels, _TEXT_GREY, number)
        image.BurnedInAnnotation = "YES" if burnt else "NO"
        plan.set_pixels(image, pixels)
        yield image


def _describe(plan: StudyPlan, shared: Dataset) -> None:
    """General Series, General Image and US Image (PS3.3 C.8.5.6) modules."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 4
    shared.SeriesDescription = "Abdomen phantom"
    shared.ProtocolName = "SIMULATED ABDOMEN"
    shared.BodyPartExamined = "ABDOMEN"
    shared.PatientOrientation = ""
    # value 4: 2D imaging (PS3.3 C.8.5.6.1.1)
    shared.ImageType = ["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"]
    shared.UltrasoundColorDataPresent = 0
    shared.TransducerData = ["C5-2", "", ""]
    shared.TransducerType = "CURVED LINEAR"
    shared.ProcessingFunction = "SIMULATED ABDOMEN"
    shared.MechanicalIndex = 0.9
    shared.SoftTissueThermalIndex = 0.4
    shared.BoneThermalIndex = shared.CranialThermalIndex = 0.4
    shared.DepthOfScanField = 160
    shared.FocusDepth = 90.0


class _Abdomen:
    """A scene in millimetres, drawn on a fan's samples."""

    def __init__(self, plan: StudyPlan, fan: Fan) -> None:
        self._fan = fan
        self._x, self._z = fan.millimetres
        self._speckle = speckle(plan, fan, stream=1)
        shape = fan.beams, fan.samples
        self._texture = np.float32(1) + np.float32(0.25) * smooth_noise(plan, shape, 12, stream=3)
        self._waviness = smooth_noise(plan, shape, 4, stream=4)

    def view(self, number: int) -> NDArray[np.uint8]:
        """The screen, with scales, for view ``number``: organs are cut a little differently."""
        # there and back in eight views
        tilt = abs((number - 1) % 8 - 4) / 4
        amplitude = self._amplitudes(tilt)
        amplitude *= np.roll(self._speckle, (31 * number, 77 * number), (0, 1))
        fan = self._fan
        screen = np.zeros((fan.rows, fan.columns), np.uint8)
        screen.ravel()[fan.pixels] = compressed(fan.converted(amplitude))
        fan.draw_scales(screen)
        return screen

    def _amplitudes(self, tilt: float) -> Field:
        x, z = self._x, self._z
        echo = np.full(x.shape, _LIVER, np.float32)
        self._draw_vessels(echo, tilt)
        # beyond the diaphragm lies lung, which mirrors; the diaphragm itself is thick and bright
        diaphragm = np.sqrt(ellipse(x, z, (12.0, 42.0), (104.0, 92.0)))
        diaphragm += self._waviness * np.float32(0.01)
        _mix(echo, within(-diaphragm, -1.0, 0.02), _BEHIND)
        _mix(echo, within(np.abs(diaphragm - np.float32(1)), 0.012, 0.012), 0.6)
        self._draw_kidney(echo, tilt)
        echo *= self._texture
        bladder, stone = self._draw_gallbladder(echo, tilt)
        depth = self._fan.depth + self._waviness * np.float32(1.2)
        for bound, amplitude in _LAYERS:
            _mix(echo, within(depth, bound, 1.0), amplitude)
        muscle = within(depth, 22.0, 1.0) * within(-depth, -13.0, 1.0)
        fibres = within(np.abs((depth * np.float32(0.45)) % 1 - np.float32(0.5)), 0.14, 0.1)
        _mix(echo, muscle * fibres, 0.11)
        # a stone lets little through; fluid weakens the beam less than the gain expects
        behind_stone = np.minimum(np.cumsum(stone, axis=1), 6) / np.float32(6)
        behind_fluid = np.minimum(np.cumsum(bladder, axis=1), 60) / np.float32(60)
        echo *= np.float32(1) + np.float32(0.9) * behind_fluid * (1 - bladder)
        echo *= np.float32(1) - np.float32(0.95) * behind_stone * (1 - stone)
        return echo

    def _draw_vessels(self, echo: Field, tilt: float) -> None:
        x, z = self._x, self._z
        for centre, semi_axes, degrees, wall in (
            ((2.0, 62.0), (30.0, 3.2), -28, 0.0),  # hepatic veins: no wall to be seen
            ((30.0, 48.0), (20.0, 2.2), 18, 0.0),
            ((-52.0, 78.0), (17.0, 2.6), 35, 0.0),
            ((15.0, 86.0), (7.0, 5.0), -15, 0.22),  # portal vein: bright wall
            ((48.0, 72.0), (5.0, 3.4), 20, 0.2),
        ):
            size = semi_axes[0] * (1 - 0.15 * tilt), semi_axes[1] * (1 - 0.15 * tilt)
            vessel = ellipse(x, z, centre, size, degrees)
            if wall:
                _mix(echo, within(vessel, 1.7, 0.5), wall)
            _mix(echo, within(vessel, 1.0, 0.3), _FLUID)

    def _draw_kidney(self, echo: Field, tilt: float) -> None:
        """Bright capsule, dark cortex, darker pyramids, bright sinus."""
        x, z = self._x, self._z
        size = 1 - 0.12 * tilt
        kidney = ellipse(x, z, (46.0, 118.0), (49 * size, 22 * size), -14)
        _mix(echo, within(kidney, 1.14, 0.06), 0.22)
        _mix(echo, within(kidney, 1.0, 0.06), _CORTEX)
        for along, across in (
            (-30, -3),
            (-15, -11),
            (2, -13),
            (19, -11),
            (32, -2),
            (-18, 11),
            (16, 11),
        ):
            centre = (
                46 + (along * 0.97 + across * 0.24) * size,
                118 + (across - along * 0.24) * size,
            )
            _mix(echo, within(ellipse(x, z, centre, (4.6, 3.8)), 1.0, 0.5), 0.011)
        sinus = ellipse(x, z, (46.0, 118.0), (29 * size, 7 * size), -14)
        _mix(echo, within(sinus + np.float32(0.35) * self._waviness, 1.0, 0.6), _SINUS)

    def _draw_gallbladder(self, echo: Field, tilt: float) -> tuple[Field, Field]:
        """Returns how far each sample lies in bile and in the stone, 0 to 1."""
        x, z = self._x, self._z
        size = 1 - 0.1 * tilt
        bladder = ellipse(x, z, (-30.0, 80.0), (12.5 * size, 27 * size), 32)
        inside = within(bladder, 1.0, 0.12)
        _mix(echo, within(bladder, 1.22, 0.12), _WALL)
        _mix(echo, inside, _FLUID)
        stone = within(ellipse(x, z, (-40.5, 94.0), (5.2, 4.2), 30), 1.0, 0.4)
        _mix(echo, stone, _STONE)
        return inside, stone


def _mix(echo: Field, cover: Field, amplitude: float) -> None:
    """Mix ``amplitude`` into ``echo`` as far as ``cover`` (0 to 1) says."""
    echo += cover * (np.float32(amplitude) - echo)
