"""Nuclear medicine: counts with the noise of counting, seen from front and behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset

from modalities.generation import generate, write_study
from tests.modalities.families.validators import complaints


@pytest.fixture(scope="module")
def scan() -> Dataset:
    return next(generate("NM", images=1))


def test_all_counts_are_accounted_for(scan: Dataset) -> None:
    assert int(scan.pixel_array.sum(dtype=np.int64)) == scan.CountsAccumulated
    assert 500_000 < scan.CountsAccumulated < 5_000_000


def test_counts_vary_as_much_as_counting_makes_them() -> None:
    # a place in the lumbar spine, where the same is expected, over many scans
    spine = np.array(
        [image.pixel_array[0, 398:402, 126:130] for image in generate("NM", images=60, seed=3)]
    ).astype(np.float64)
    assert spine.mean() > 5
    assert np.mean(spine.var(axis=0) / spine.mean(axis=0)) == pytest.approx(1, abs=0.2)


def test_the_hot_spot_changes_sides_when_the_patient_is_seen_from_behind(scan: Dataset) -> None:
    front, behind = scan.pixel_array.astype(np.int64)
    chest = slice(220, 360)
    assert front[chest, :128].max() > 1.5 * front[chest, 128:].max()
    assert behind[chest, 128:].max() > 1.5 * behind[chest, :128].max()
    rows = [np.array(each.ImageOrientationPatient[:3]) for each in scan.DetectorInformationSequence]
    assert np.array_equal(rows[0], -rows[1])


def test_the_bladder_is_brighter_from_the_front_and_the_kidneys_from_behind(scan: Dataset) -> None:
    front, behind = scan.pixel_array.astype(np.float64)
    bladder, kidney = (slice(518, 542), slice(116, 140)), (slice(396, 420), slice(92, 98))
    assert front[bladder].mean() > 1.3 * behind[bladder].mean()
    assert behind[kidney].mean() > 1.3 * front[kidney].mean()


@pytest.mark.parametrize(
    ("frames", "windows", "detectors"), [(1, 1, 1), (2, 1, 2), (3, 3, 1), (6, 3, 2), (40, 20, 2)]
)
def test_frames_are_energy_windows_times_detectors(
    tmp_path: Path, frames: int, windows: int, detectors: int
) -> None:
    (written,) = write_study(tmp_path, "NM", images=1, rows=64, columns=16, frames=frames)
    assert complaints(written.path) == []
    image = pydicom.dcmread(written.path)
    assert (image.NumberOfEnergyWindows, image.NumberOfDetectors) == (windows, detectors)
    named = list(
        zip(
            np.atleast_1d(image.EnergyWindowVector),
            np.atleast_1d(image.DetectorVector),
            strict=True,
        )
    )
    assert named == [(w + 1, d + 1) for w in range(windows) for d in range(detectors)]
    assert len(image.EnergyWindowInformationSequence) == windows
    assert len(image.DetectorInformationSequence) == detectors
