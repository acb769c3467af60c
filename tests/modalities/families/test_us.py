"""Ultrasound: speckle, shadows and calibrated regions; a heart that beats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset

from modalities.generation import generate, write_study
from modalities.phantoms.heart import inflow_at, opened, outflow_at, squeezed
from tests.modalities.families.validators import complaints


@pytest.fixture(scope="module")
def abdomen() -> Dataset:
    return next(generate("US", images=1))


@pytest.fixture(scope="module")
def cine() -> Dataset:
    return next(generate("US-CINE", images=1))


def around(image: Dataset, region: Dataset, x_cm: float, y_cm: float) -> NDArray[np.uint8]:
    """Pixels a little around a point that a region's calibration places."""
    column = round(
        region.RegionLocationMinX0 + region.ReferencePixelX0 + x_cm / region.PhysicalDeltaX
    )
    row = round(region.RegionLocationMinY0 + region.ReferencePixelY0 + y_cm / region.PhysicalDeltaY)
    patch: NDArray[np.uint8] = image.pixel_array[row - 5 : row + 6, column - 5 : column + 6]
    return patch


def test_a_gallstone_casts_a_shadow_where_the_calibration_says_it_is(abdomen: Dataset) -> None:
    (region,) = abdomen.SequenceOfUltrasoundRegions
    stone = around(abdomen, region, -4.05, 9.4).mean()
    bile = around(abdomen, region, -3.0, 7.5).mean()
    liver = around(abdomen, region, -1.0, 4.5).mean()
    behind = around(abdomen, region, -4.05 * 1.27, 9.4 * 1.27 + 6.0 * 0.27).mean()
    assert bile < 30 < liver < stone
    assert behind < liver / 2


def test_liver_has_speckle_and_the_screen_around_the_fan_has_none(abdomen: Dataset) -> None:
    (region,) = abdomen.SequenceOfUltrasoundRegions
    assert around(abdomen, region, -1.0, 4.5).std() > 10
    left, bottom = region.RegionLocationMinX0, region.RegionLocationMaxY1
    assert abdomen.pixel_array[bottom + 1 :, :left].max() == 0


def test_the_console_burns_the_patient_in_and_says_so(abdomen: Dataset) -> None:
    assert abdomen.BurnedInAnnotation == "YES"
    assert abdomen.pixel_array[:40, :100].max() > 200
    tiny = next(generate("US", images=1, rows=8, columns=8))
    assert tiny.BurnedInAnnotation == "NO"


def regions(image: Dataset) -> Iterator[tuple[int, int, int, int]]:
    for item in image.SequenceOfUltrasoundRegions:
        yield (
            item.RegionLocationMinX0,
            item.RegionLocationMinY0,
            item.RegionLocationMaxX1,
            item.RegionLocationMaxY1,
        )


@pytest.mark.parametrize("family", ["US", "US-CINE"])
@pytest.mark.parametrize("size", [(8, 8), (9, 200), (200, 9), (480, 640)], ids=str)
def test_regions_lie_on_the_screen(family: str, size: tuple[int, int]) -> None:
    image = next(generate(family, images=1, rows=size[0], columns=size[1]))
    for left, top, right, bottom in regions(image):
        assert 0 <= left <= right < image.Columns
        assert 0 <= top <= bottom < image.Rows


def coloured(frame: NDArray[np.uint8]) -> tuple[int, int]:
    """How many pixels are reddish, and how many bluish."""
    red, blue = frame[..., 0].astype(int), frame[..., 2].astype(int)
    return int((red > blue + 60).sum()), int((blue > red + 60).sum())


def test_blood_flows_in_red_after_it_flowed_out_blue(cine: Dataset) -> None:
    counts = [coloured(frame) for frame in cine.pixel_array]
    still = counts[0]
    reddest = max(range(len(counts)), key=lambda frame: counts[frame][0])
    bluest = max(range(len(counts)), key=lambda frame: counts[frame][1])
    assert bluest < reddest
    assert counts[reddest][0] > still[0] + 1000
    assert counts[bluest][1] > still[1] + 1000


def test_colour_is_only_in_the_colour_flow_region_and_the_colour_bar(cine: Dataset) -> None:
    left, top, right, bottom = list(regions(cine))[1]
    frames = cine.pixel_array.copy()
    frames[:, top : bottom + 1, left : right + 1] = 0
    frames[:, :, cine.Columns * 95 // 100 :] = 0
    assert np.array_equal(frames[..., 0], frames[..., 2])


def test_the_left_ventricle_gets_smaller_and_larger_again(cine: Dataset) -> None:
    left, top, right, bottom = next(regions(cine))
    # along the depth where the ventricle is widest, blood is what is dark or has a colour
    row = top + (bottom - top) * 40 // 100
    # columns inside the fan at that depth
    left, right = (3 * left + right) // 4, (left + 3 * right) // 4
    blood = []
    for frame in cine.pixel_array:
        band = frame[row - 4 : row + 5, left:right]
        coloured_or_dark = (np.ptp(band, axis=-1) > 0) | (band.max(axis=-1) < 60)
        blood.append(int(coloured_or_dark.sum()))
    smallest = blood.index(min(blood))
    assert 4 <= smallest <= 11
    assert min(blood) < 0.75 * blood[0]
    assert blood[-1] > 0.9 * blood[0]


def test_a_valve_never_lets_blood_in_while_it_is_closed_or_out_while_it_is_open() -> None:
    for step in range(100):
        phase = step / 100
        assert inflow_at(phase) < 0.3 or opened(phase) > 0.2
        assert outflow_at(phase) == 0 or opened(phase) == 0
    assert squeezed(0) == 0
    assert squeezed(0.99) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(("frames", "beats"), [(1, 1), (24, 1), (50, 2)])
def test_a_loop_holds_whole_beats_at_the_heart_rate_that_it_states(
    tmp_path: Path, frames: int, beats: int
) -> None:
    (written,) = write_study(tmp_path, "US-CINE", images=1, rows=32, columns=32, frames=frames)
    assert complaints(written.path) == []
    (image,) = generate("US-CINE", images=1, rows=32, columns=32, frames=frames)
    seconds = frames * image.FrameTime / 1000
    assert image.HeartRate == pytest.approx(60 * beats / seconds, rel=0.01)
    assert image.EffectiveDuration == pytest.approx(seconds)
