"""Mammography: views that are coded, oriented, angled and drawn as what they are."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset

from modalities.generation import generate

_TOWARDS = {
    "L": (1, 0, 0),
    "R": (-1, 0, 0),
    "P": (0, 1, 0),
    "A": (0, -1, 0),
    "H": (0, 0, 1),
    "F": (0, 0, -1),
}


@pytest.fixture(scope="module")
def screening() -> list[Dataset]:
    return list(generate("MG", images=5, rows=256, columns=208))


@pytest.fixture(scope="module")
def volumes() -> list[Dataset]:
    return list(generate("MG-TOMO", images=4, rows=256, columns=208, frames=9))


def view_of(image: Dataset) -> str:
    codes = {"399162004": "CC", "399368009": "MLO"}
    (view,) = image.ViewCodeSequence
    assert len(view.ViewModifierCodeSequence) == 0
    return codes[view.CodeValue]


def test_a_screening_study_has_four_views_and_then_begins_anew(screening: list[Dataset]) -> None:
    views = [image.ImageLaterality + view_of(image) for image in screening]
    assert views == ["RCC", "LCC", "RMLO", "LMLO", "RCC"]
    assert len({image.SOPInstanceUID for image in screening}) == 5
    assert not np.array_equal(screening[0].pixel_array, screening[4].pixel_array)


def test_the_chest_wall_is_where_the_orientation_puts_what_is_behind(
    screening: list[Dataset],
) -> None:
    for image in screening:
        pixels = image.pixel_array
        middle = pixels[150:170]
        left, right = middle[:, :20].mean(), middle[:, -20:].mean()
        if image.PatientOrientation[0] == "P":  # rows run to the back: the wall is on the right
            assert right > left + 500
        else:
            assert left > right + 500


def test_muscle_is_seen_obliquely_only(screening: list[Dataset]) -> None:
    for image in screening:
        pixels = image.pixel_array
        wall = pixels[40:60, :20] if image.ImageLaterality == "L" else pixels[40:60, -20:]
        assert (np.median(wall) > 1500) == (view_of(image) == "MLO")


def test_the_finding_is_in_both_views_of_the_left_breast(screening: list[Dataset]) -> None:
    for image, down, across in ((screening[1], 0.38, 0.32), (screening[3], 0.475, 0.308)):
        pixels = image.pixel_array.astype(int)
        row, column = int(down * 256), int(across * 208)
        lump = pixels[row - 6 : row + 7, column - 6 : column + 7]
        around = pixels[row - 20 : row + 21, column - 20 : column + 21]
        assert np.median(lump) > np.median(around) + 200
        mirrored = screening[0 if view_of(image) == "CC" else 2].pixel_array[:, ::-1].astype(int)
        assert mirrored[row - 6 : row + 7, column - 6 : column + 7].max() < lump.max()


def test_the_tube_stands_on_the_other_side_of_the_breast_that_it_looks_at_obliquely(
    screening: list[Dataset],
) -> None:
    # angles from the patient's right to the vertical are negative
    assert [int(image.PositionerPrimaryAngle) for image in screening[:4]] == [0, 0, 45, -45]


def test_every_volume_is_oriented_as_the_mammogram_of_its_view(
    screening: list[Dataset], volumes: list[Dataset]
) -> None:
    for image, volume in zip(screening, volumes, strict=False):
        shared = volume.SharedFunctionalGroupsSequence[0]
        assert shared.FrameAnatomySequence[0].FrameLaterality == image.ImageLaterality
        assert view_of(volume) == view_of(image)
        cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
        for direction, letters in zip(cosines.reshape(2, 3), image.PatientOrientation, strict=True):
            assert np.linalg.norm(direction) == pytest.approx(1, abs=1e-5)
            expected = np.sum([_TOWARDS[letter] for letter in letters], axis=0)
            assert np.dot(direction, expected) == pytest.approx(np.linalg.norm(expected), abs=1e-5)


def test_slices_lie_side_by_side_along_the_beam(volumes: list[Dataset]) -> None:
    for volume in volumes:
        shared = volume.SharedFunctionalGroupsSequence[0]
        row, column = np.array(
            shared.PlaneOrientationSequence[0].ImageOrientationPatient, float
        ).reshape(2, 3)
        thickness = float(shared.PixelMeasuresSequence[0].SliceThickness)
        positions = np.array(
            [
                each.PlanePositionSequence[0].ImagePositionPatient
                for each in volume.PerFrameFunctionalGroupsSequence
            ],
            float,
        )
        assert len(positions) == volume.NumberOfFrames == 9
        steps = np.diff(positions, axis=0)
        assert np.allclose(steps, thickness * np.cross(row, column), atol=1e-3)


def test_a_finding_comes_into_focus_in_the_middle_of_the_stack(volumes: list[Dataset]) -> None:
    frames = volumes[1].pixel_array.astype(int)
    row, column = int(0.38 * 256), int(0.32 * 208)
    patch = frames[:, row - 8 : row + 9, column - 8 : column + 9]
    contrast = patch.max(axis=(1, 2)) - np.median(patch, axis=(1, 2))
    detail = np.abs(np.diff(patch, axis=2)).mean(axis=(1, 2))
    assert 2 <= int(detail.argmax()) <= 5
    assert contrast.min() < contrast[int(detail.argmax())]


def test_projections_sweep_evenly_around_the_views_angle(volumes: list[Dataset]) -> None:
    for volume, middle in zip(volumes, (0, 0, 45, -45), strict=True):
        (acquisition,) = volume.XRay3DAcquisitionSequence
        projections = acquisition.PerProjectionAcquisitionSequence
        angles = [float(each.PositionerPrimaryAngle) for each in projections]
        assert np.mean(angles) == pytest.approx(middle, abs=0.01)
        assert angles[0] == pytest.approx(float(acquisition.PrimaryPositionerScanStartAngle))
        assert angles[-1] - angles[0] == pytest.approx(float(acquisition.PrimaryPositionerScanArc))
        total = sum(each.ExposureInmAs for each in projections)
        assert total == pytest.approx(acquisition.ExposureInmAs)


def test_each_volume_counts_its_frames_in_dimensions_of_its_own(volumes: list[Dataset]) -> None:
    organizations = set()
    for volume in volumes:
        (organization,) = volume.DimensionOrganizationSequence
        organizations.add(organization.DimensionOrganizationUID)
        for groups in volume.PerFrameFunctionalGroupsSequence:
            (content,) = groups.FrameContentSequence
            assert list(content.DimensionIndexValues) == [
                int(content.StackID),
                content.InStackPositionNumber,
            ]
    assert len(organizations) == len(volumes)
