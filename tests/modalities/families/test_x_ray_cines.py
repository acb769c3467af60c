"""XA and RF: contrast comes, moves on and goes, as it does in a patient."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset

from modalities.generation import generate
from modalities.phantoms.coronaries import beat


@pytest.fixture(scope="module")
def angiogram() -> Dataset:
    return next(generate("XA", images=1, rows=256, columns=256))


@pytest.fixture(scope="module")
def swallow() -> Dataset:
    return next(generate("RF", images=1, rows=256, columns=256))


def darkened(image: Dataset) -> NDArray[np.bool_]:
    """Where contrast takes light away, frame by frame, compared with the first frame."""
    frames = image.pixel_array.astype(int)
    softened = (
        frames[:, :-1, :-1] + frames[:, 1:, :-1] + frames[:, :-1, 1:] + frames[:, 1:, 1:]
    ) // 4
    dark: NDArray[np.bool_] = softened < softened[0] - 30
    return dark


def test_vessels_fill_and_wash_out(angiogram: Dataset) -> None:
    filled = darkened(angiogram).sum(axis=(1, 2))
    fullest = int(filled.argmax())
    assert 6 <= fullest <= 15
    assert filled[fullest] > 1000
    assert filled[:2].max() < 50
    assert filled[-1] < filled[fullest] / 10


def test_contrast_reaches_the_far_end_of_a_vessel_after_its_beginning(angiogram: Dataset) -> None:
    dark = darkened(angiogram)

    def arrival(rows: slice) -> int:
        counts = dark[:, rows].sum(axis=(1, 2))
        return int((counts > 40).argmax())

    assert 0 < arrival(slice(60, 90)) < arrival(slice(170, 220))


def test_a_heart_moves_while_the_spine_does_not(angiogram: Dataset) -> None:
    frames = angiogram.pixel_array.astype(int)
    # both are full: one at rest, one contracted
    per_second = float(angiogram.CineRate)
    phases = {frame: beat(frame / per_second * 1.2) for frame in range(8, 15)}
    rest, squeezed = min(phases, key=phases.__getitem__), max(phases, key=phases.__getitem__)
    dark = darkened(angiogram)
    moved = (dark[rest] ^ dark[squeezed]).sum()
    assert moved > 0.3 * dark[rest].sum()
    spine = frames[:, 40:, 185:205][:, :, -8:]
    assert abs(spine[rest].mean() - spine[squeezed].mean()) < 8


def test_the_spine_is_on_the_right_of_a_left_oblique_view_and_on_the_left_of_a_right_one() -> None:
    left, right = generate("XA", images=2, rows=128, columns=128, frames=1)
    assert left.PositionerPrimaryAngle > 0 > right.PositionerPrimaryAngle
    for image, darker, lighter in ((left, 0.77, 0.25), (right, 0.25, 0.77)):
        frame = image.pixel_array
        columns = [
            frame[60:, int(128 * at) - 6 : int(128 * at) + 6].mean() for at in (darker, lighter)
        ]
        assert columns[0] < columns[1] - 10


def test_a_beat_contracts_once_and_ends_as_it_began() -> None:
    course = [beat(step / 100) for step in range(101)]
    assert course[0] == course[100] == 0
    peak = course.index(max(course))
    assert course[peak] == pytest.approx(1)
    assert course[: peak + 1] == sorted(course[: peak + 1])
    assert course[peak:] == sorted(course[peak:], reverse=True)
    assert peak < 50, "contracting takes less time than filling"


def brightened(image: Dataset) -> NDArray[np.float64]:
    """How far down the middle of what barium adds is, frame by frame; NaN where there is none."""
    frames = image.pixel_array.astype(int)
    middles = []
    for frame in frames:
        rows, _ = np.nonzero(frame[40:, 60:] > 235)
        middles.append(np.median(rows) + 40 if rows.size > 80 else np.nan)
    return np.array(middles)


def test_a_mouthful_goes_down_and_ends_in_the_stomach(swallow: Dataset) -> None:
    middles = brightened(swallow)
    seen = middles[~np.isnan(middles)]
    assert len(seen) > 10
    assert (np.diff(seen) > -3).all()
    assert seen[0] < 90
    assert seen[-1] > 190


def test_barium_in_the_stomach_has_a_level_surface(swallow: Dataset) -> None:
    last = swallow.pixel_array[-1].astype(int)
    tops = []
    for column in range(165, 195, 3):
        bright = np.nonzero(last[200:, column] > 225)[0]
        assert bright.size
        tops.append(int(bright[0]))
    assert max(tops) - min(tops) <= 3


@pytest.mark.parametrize(("family", "frames"), [("XA", 1), ("XA", 5), ("RF", 1), ("RF", 40)])
def test_a_cine_states_the_frames_and_the_pace_that_it_has(family: str, frames: int) -> None:
    image = next(generate(family, images=1, rows=16, columns=16, frames=frames))
    assert image.NumberOfFrames == frames
    assert image.FrameIncrementPointer == 0x00181063  # Frame Time
    assert float(image.FrameTime) * image.CineRate == pytest.approx(1000, rel=1e-3)
    assert image.StopTrim == frames


@pytest.mark.parametrize("family", ["XA", "RF"])
def test_every_frame_says_that_it_is_of_nobody(family: str) -> None:
    image = next(generate(family, images=1, rows=128, columns=128, frames=3))
    assert image.BurnedInAnnotation == "YES"
    words = image.pixel_array[:, 4:14, 4:70] == 255
    assert words.any(axis=(1, 2)).all()
    tiny = next(generate(family, images=1, rows=8, columns=8, frames=1))
    assert tiny.BurnedInAnnotation == "NO"
