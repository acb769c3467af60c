"""PET: standardised uptake from what the objects say, where the CT is."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset

from modalities.generation import generate
from modalities.phantoms.fdg_head import LESION_CENTRE, LESION_RADIUS


def uptake(image: Dataset) -> NDArray[np.float64]:
    """SUV by body weight, as a workstation computes it from the object alone."""
    (tracer,) = image.RadiopharmaceuticalInformationSequence
    assert (image.Units, image.DecayCorrection) == ("BQML", "START")
    started, injected = (
        datetime.datetime.strptime(str(each), "%Y%m%d%H%M%S")
        for each in (image.SeriesDate + image.SeriesTime, tracer.RadiopharmaceuticalStartDateTime)
    )
    passed = (started - injected).total_seconds()
    left = float(tracer.RadionuclideTotalDose) * 2 ** (-passed / float(tracer.RadionuclideHalfLife))
    concentration = image.pixel_array * float(image.RescaleSlope)
    suv: NDArray[np.float64] = concentration * float(image.PatientWeight) * 1000 / left
    return suv


def at(image: Dataset, x_mm: float, y_mm: float) -> tuple[int, int]:
    """Row and column of a place in the slice's plane."""
    left, top = map(float, image.ImagePositionPatient[:2])
    down, across = map(float, image.PixelSpacing)
    return round((y_mm - top) / down), round((x_mm - left) / across)


@pytest.fixture(scope="module")
def slices() -> list[Dataset]:
    return list(generate("PT", images=9))


def test_a_lesion_is_hotter_than_the_brain_and_the_air_is_cold(slices: list[Dataset]) -> None:
    suv = uptake(slices[4])
    row, column = at(slices[4], *LESION_CENTRE)
    assert suv[row, column] == pytest.approx(15, abs=3)
    mirrored = suv[at(slices[4], -LESION_CENTRE[0], LESION_CENTRE[1])]
    assert mirrored < 5
    assert suv[:20, :20].max() < 0.3


def test_the_lesion_is_as_large_as_it_was_made(slices: list[Dataset]) -> None:
    hot = int((uptake(slices[4]) > 9).sum()) * float(slices[4].PixelSpacing[0]) ** 2
    assert hot == pytest.approx(np.pi * LESION_RADIUS**2, rel=0.15)


def test_each_slice_has_a_slope_that_uses_its_range(slices: list[Dataset]) -> None:
    assert len({float(each.RescaleSlope) for each in slices}) > 1
    for each in slices:
        assert 29_000 < each.pixel_array.max() <= 30_001
        assert each.pixel_array.min() >= 0


@pytest.mark.parametrize("seed", [1, 7])
def test_slices_lie_where_the_cts_lie_and_show_the_same_head(seed: int) -> None:
    for pet, ct in zip(
        generate("PT", images=5, seed=seed), generate("CT", images=5, seed=seed), strict=True
    ):
        assert pet.FrameOfReferenceUID == ct.FrameOfReferenceUID
        assert pet.StudyInstanceUID == ct.StudyInstanceUID
        assert pet.ImagePositionPatient[2] == ct.ImagePositionPatient[2]
        hounsfield = ct.pixel_array[::2, ::2].astype(int) + int(ct.RescaleIntercept)
        brain = (hounsfield > -50) & (hounsfield < 100)
        rows, columns = np.nonzero(uptake(pet) > 1.6)
        # what takes up the tracer is soft tissue in the CT, apart from blur at the skull
        assert brain[rows, columns].mean() > 0.85


def test_decay_during_the_frame_is_accounted_for_at_its_reference_time(
    slices: list[Dataset],
) -> None:
    image = slices[0]
    (tracer,) = image.RadiopharmaceuticalInformationSequence
    seconds = float(image.FrameReferenceTime) / 1000
    factor = 2 ** (seconds / float(tracer.RadionuclideHalfLife))
    assert float(image.DecayFactor) == pytest.approx(factor, rel=1e-5)
    assert 0 < seconds < float(image.ActualFrameDuration) / 2000


def test_slices_are_counted_as_the_series_says(slices: list[Dataset]) -> None:
    assert [each.ImageIndex for each in slices] == list(range(1, slices[0].NumberOfSlices + 1))
