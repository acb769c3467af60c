"""MR and enhanced MR: a T1-weighted head, as single slices and as one stack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from modalities.generation import generate, write_study
from tests.modalities.families.validators import complaints


@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
def test_the_middle_of_every_slice_is_that_of_the_scanner(size: tuple[int, int]) -> None:
    for image in generate("MR", images=2, rows=size[0], columns=size[1]):
        down, across = image.PixelSpacing
        x, y, _ = image.ImagePositionPatient
        assert float(x) + (image.Columns - 1) / 2 * float(across) == pytest.approx(0, abs=1e-3)
        assert float(y) + (image.Rows - 1) / 2 * float(down) == pytest.approx(0, abs=1e-3)


def test_fat_is_bright_white_matter_is_brighter_than_grey_and_fluid_is_dark() -> None:
    middle = list(generate("MR", images=9))[4].pixel_array.astype(np.int32)
    around, scalp = np.median(middle[:20, :20]), middle[8:24, 128].max()
    white, putamen = np.median(middle[150:160, 80:90]), np.median(middle[114:126, 94:98])
    frontal_horn = middle[90:106, 134:140].min()
    assert around < 60 < frontal_horn < putamen - 200
    assert putamen + 100 < white < scalp


def test_noise_around_the_head_is_rician_not_normal() -> None:
    # the magnitude of noise in two channels: Rayleigh, whose mean is 1.91 standard deviations
    corner = next(generate("MR", images=1)).pixel_array[:28, :28].astype(np.float64)
    assert corner.mean() / corner.std() == pytest.approx(1.91, abs=0.15)


def test_slices_differ_in_anatomy_and_lie_as_far_apart_as_they_say() -> None:
    slices = list(generate("MR", images=5, rows=64, columns=64))
    heights = [float(each.ImagePositionPatient[2]) for each in slices]
    assert set(np.diff(heights)) == {float(slices[0].SpacingBetweenSlices)}
    in_head = [int((each.pixel_array > 400).sum()) for each in slices]
    assert in_head[2] > 1.5 * in_head[4]


@pytest.mark.parametrize("seed", range(12))
def test_the_smallest_images_still_show_a_head_in_air(seed: int) -> None:
    (image,) = generate("MR", images=1, rows=8, columns=8, seed=seed)
    assert image.pixel_array[0, 0] < 150 < image.pixel_array[3:5, 3:5].min()


def test_both_kinds_of_mr_share_a_frame_of_reference_that_is_not_the_cts() -> None:
    classic, enhanced, ct = (
        next(generate(family, images=1, rows=16, columns=16)).FrameOfReferenceUID
        for family in ("MR", "MR-ENHANCED", "CT")
    )
    assert classic == enhanced != ct


@pytest.fixture(scope="module")
def stack() -> Dataset:
    return next(generate("MR-ENHANCED", images=1, rows=64, columns=64))


def test_each_frame_of_a_stack_says_where_it_is(stack: Dataset) -> None:
    groups = stack.PerFrameFunctionalGroupsSequence
    assert len(groups) == stack.NumberOfFrames == len(stack.pixel_array)
    heights = [float(each.PlanePositionSequence[0].ImagePositionPatient[2]) for each in groups]
    measures = stack.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert set(np.diff(heights)) == {float(measures.SpacingBetweenSlices)}


def test_the_values_of_a_frames_dimensions_are_those_of_what_they_point_to(stack: Dataset) -> None:
    for groups in stack.PerFrameFunctionalGroupsSequence:
        pointed = [
            groups[index.FunctionalGroupPointer][0][index.DimensionIndexPointer].value
            for index in stack.DimensionIndexSequence
        ]
        values = groups.FrameContentSequence[0].DimensionIndexValues
        assert list(map(int, pointed)) == list(values)
    organization = stack.DimensionOrganizationSequence[0].DimensionOrganizationUID
    assert {each.DimensionOrganizationUID for each in stack.DimensionIndexSequence} == {
        organization
    }


def test_objects_of_an_enhanced_series_are_repetitions_with_noise_of_their_own() -> None:
    first, second = generate("MR-ENHANCED", images=2, rows=64, columns=64, frames=3)
    assert (first.AcquisitionNumber, second.AcquisitionNumber) == (1, 2)
    difference = np.abs(first.pixel_array.astype(int) - second.pixel_array)
    assert 0 < difference.mean() < 60


@pytest.mark.parametrize("frames", [1, 2, 40])
def test_a_stack_of_any_height_is_valid(tmp_path: Path, frames: int) -> None:
    (written,) = write_study(tmp_path, "MR-ENHANCED", images=1, rows=16, columns=16, frames=frames)
    assert complaints(written.path) == []
