"""Secondary Capture Image Storage (PS3.3 A.8): a workstation's screen, in colour."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from modalities.families import family
from modalities.phantoms.fields import axes, ellipse, smooth_noise, within
from modalities.phantoms.marks import letters
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

Screen = NDArray[np.uint8]
Colour = tuple[int, int, int]

_DESK, _PANEL, _BAR, _HEAD = (24, 28, 36), (40, 46, 58), (20, 60, 110), (58, 68, 86)
_WHITE, _GREY, _GREEN, _AMBER, _RED = (
    (240, 244, 248),
    (150, 160, 175),
    (90, 210, 130),
    (245, 190, 70),
    (235, 85, 75),
)
#: Colours of the perfusion map, from little to much.
_MAP: Final = (
    (10, 10, 60),
    (30, 60, 200),
    (30, 190, 170),
    (120, 220, 60),
    (250, 220, 40),
    (240, 60, 30),
)
_ROWS: Final = (
    ("CBF", 54, "ML/100G/MIN"),
    ("CBV", 4, "ML/100G"),
    ("MTT", 5, "S"),
    ("TTP", 9, "S"),
    ("TMAX", 3, "S"),
    ("CORE", 12, "ML"),
    ("PENUMBRA", 61, "ML"),
    ("RATIO", 5, ""),
)


@family(
    "SC",
    title="Secondary capture of a screen, colour",
    sop_class=SecondaryCaptureImageStorage,
    modality="OT",
    pixels=PixelFormat(photometric="RGB"),
    size=(480, 640),
)
def sc(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """The results of one measurement after another."""
    _describe_series(plan, shared)
    screen = _empty_screen(plan)
    brain = _map_of_brain(plan)
    for number in range(1, plan.images + 1):
        image = plan.object(shared, SecondaryCaptureImageStorage, number)
        pixels = screen.copy()
        _table(pixels, plan, number)
        _chart(pixels, number)
        _show(pixels, np.roll(brain, number - 1, axis=0), 0.17, 0.47)
        burnt = plan.burn(pixels, _WHITE, number)
        image.BurnedInAnnotation = "YES" if burnt else "NO"
        plan.set_pixels(image, pixels)
        yield image


def _describe_series(plan: StudyPlan, shared: Dataset) -> None:
    """General Series, SC Equipment, General Image and SC Image modules (PS3.3 C.8.6)."""
    # a screen was captured; nothing was acquired
    del shared.AcquisitionDate, shared.AcquisitionTime
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 27
    shared.SeriesDescription = "Perfusion results, screen"
    shared.BodyPartExamined = "HEAD"
    shared.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    shared.ConversionType = "WSD"
    shared.SecondaryCaptureDeviceManufacturer = "pacslab"
    shared.SecondaryCaptureDeviceManufacturerModelName = "Simulated workstation"
    shared.SecondaryCaptureDeviceSoftwareVersions = "1"
    shared.DateOfSecondaryCapture = shared.ContentDate
    shared.TimeOfSecondaryCapture = shared.ContentTime
    shared.PatientOrientation = None


def _empty_screen(plan: StudyPlan) -> Screen:
    """Window, panels and headings."""
    screen = np.empty((plan.rows, plan.columns, 3), np.uint8)
    screen[:] = _DESK
    _fill(screen, _BAR, 0.0, 0.0, 0.115, 1.0)
    for column, colour in enumerate((_GREEN, _AMBER, _RED)):
        _fill(screen, colour, 0.02, 0.94 + 0.018 * column, 0.035, 0.952 + 0.018 * column)
    for title, panel in (
        ("MEASUREMENTS", (0.13, 0.02, 0.92, 0.40)),
        ("CBF MAP", (0.13, 0.42, 0.62, 0.98)),
        ("TIME-ATTENUATION", (0.64, 0.42, 0.92, 0.98)),
    ):
        _fill(screen, _PANEL, *panel)
        top, left, _, right = panel
        _fill(screen, _HEAD, top, left, top + 0.035, right)
        _write(screen, _WHITE, title, top + 0.007, left + 0.01)
    _fill(screen, _HEAD, 0.94, 0.0, 1.0, 1.0)
    _write(screen, _GREY, "SIMULATED WORKSTATION - NOT FOR DIAGNOSIS", 0.957, 0.02)
    for step, colour in enumerate(_MAP):
        _fill(screen, colour, 0.53 - 0.06 * step, 0.93, 0.59 - 0.06 * step, 0.955)
    return screen


def _table(screen: Screen, plan: StudyPlan, number: int) -> None:
    drawn = plan.bits(len(_ROWS), stream=number)
    for row, ((name, usual, unit), bits) in enumerate(zip(_ROWS, drawn, strict=True)):
        value = usual * (0.7 + 0.6 * (int(bits) % 1000) / 1000)
        top = 0.19 + row * 0.085
        if row % 2:
            _fill(screen, _HEAD, top - 0.025, 0.03, top + 0.055, 0.39)
        _write(screen, _GREY, name, top, 0.045)
        low, high = 0.85 * usual, 1.15 * usual
        colour = _GREEN if low <= value <= high else _AMBER if value < high * 1.05 else _RED
        _write(screen, colour, f"{value:.1f}", top, 0.175)
        _write(screen, _GREY, unit, top, 0.25)


def _chart(screen: Screen, number: int) -> None:
    """Bolus curves of an artery and of a vein, over a grid."""
    rows, columns = screen.shape[:2]
    for line in range(4):
        down = 0.71 + 0.055 * line
        _fill(screen, _HEAD, down, 0.45, down + 0.002, 0.96)
    left, right = int(0.45 * columns), int(0.96 * columns)
    for colour, delay, height in ((_RED, 0.22, 0.19), (_GREEN, 0.36 + 0.01 * (number % 5), 0.15)):
        before = None
        for column in range(left, right):
            at = (column - left) / max(right - left, 1) - delay + 0.15
            # a gamma variate, with its peak where it is 1
            part = max(at, 0.0) / 0.15
            level = (part * math.exp(1 - part)) ** 2
            row = int((0.89 - height * level) * rows)
            low, high = sorted((row, row if before is None else before))
            screen[low : high + 1 + rows // 480, column] = colour
            before = row


def _map_of_brain(plan: StudyPlan) -> Screen:
    """A slice with its perfusion in colours, and where there is less of it."""
    rows, columns = int(plan.rows * 0.42), int(plan.columns * 0.42)
    shape = rows, columns
    if not min(shape):
        return np.zeros((*shape, 3), np.uint8)
    x, y = axes(*shape)
    x = x * np.float32(columns / rows)
    brain = ellipse(x, y, (0.0, 0.0), (0.78, 0.94))
    flow = smooth_noise(plan, shape, 9, 1) * np.float32(0.14) + np.float32(0.60)
    flow += within(-brain, -0.62, 0.25) * np.float32(0.18)
    for side in (-1, 1):
        flow -= within(ellipse(x, y, (side * 0.15, 0.0), (0.10, 0.33)), 1.0, 0.5) * np.float32(0.5)
    flow -= within(ellipse(x, y, (0.48, 0.10), (0.24, 0.40)), 1.0, 0.5) * np.float32(0.36)
    step = np.clip(flow * np.float32(len(_MAP)), 0, len(_MAP) - 1.001)
    below = step.astype(np.intp)
    colours = np.array(_MAP, np.float32)
    part = (step - below)[..., None]
    mixed: NDArray[np.float64] = colours[below] * (1 - part) + colours[below + 1] * part
    mixed[brain > 1] = (0, 0, 0)
    mixed[(brain > 0.97) & (brain < 1.08)] = (200, 200, 200)  # skull
    return mixed.astype(np.uint8)


def _show(screen: Screen, picture: Screen, down: float, across: float) -> None:
    top, left = int(down * screen.shape[0]), int(across * screen.shape[1])
    screen[top : top + picture.shape[0], left : left + picture.shape[1]] = picture


def _fill(
    screen: Screen, colour: Colour, top: float, left: float, bottom: float, right: float
) -> None:
    """A rectangle, in fractions of the screen."""
    rows, columns = screen.shape[:2]
    down = slice(int(top * rows), max(int(bottom * rows), int(top * rows) + 1))
    screen[down, int(left * columns) : int(right * columns)] = colour


def _write(screen: Screen, colour: Colour, text: str, down: float, across: float) -> None:
    """Text with its upper left corner there, where it fits."""
    mask = letters(text, max(min(screen.shape[0] // 480, screen.shape[1] // 640), 1))
    top, left = int(down * screen.shape[0]), int(across * screen.shape[1])
    area: NDArray[Any] = screen[top : top + mask.shape[0], left : left + mask.shape[1]]
    if area.shape[:2] == mask.shape:
        area[mask] = colour
