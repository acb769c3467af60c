"""CR and DX: a chest with its heart on the left, hands with their thumbs on the right side."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset

from modalities.generation import generate


@pytest.fixture(scope="module")
def chest() -> Dataset:
    return next(generate("CR", images=1, rows=256, columns=256))


def around(pixels: NDArray[np.uint16], down: float, across: float) -> float:
    """Median of a patch whose middle is at fractions of the image."""
    row, column = int(down * pixels.shape[0]), int(across * pixels.shape[1])
    return float(np.median(pixels[row - 3 : row + 4, column - 3 : column + 4]))


def test_lungs_are_darker_than_what_is_below_and_air_is_darkest(chest: Dataset) -> None:
    pixels = chest.pixel_array
    lung, liver, spine = (
        around(pixels, 0.62, 0.22),
        around(pixels, 0.9, 0.25),
        around(pixels, 0.6, 0.5),
    )
    assert around(pixels, 0.75, 0.02) < lung < liver - 800 < spine - 1000


def test_the_heart_is_on_the_patients_left_and_a_marker_says_which_side_that_is(
    chest: Dataset,
) -> None:
    # columns run to the patient's left, so the heart is in the right half of the picture
    assert list(chest.PatientOrientation) == ["L", "F"]
    pixels = chest.pixel_array
    assert around(pixels, 0.70, 0.68) > around(pixels, 0.70, 0.32) + 500
    corner = pixels[int(0.15 * 256) : int(0.19 * 256), : int(0.1 * 256)]
    assert (corner == 4095).any(), "the letter R"


def test_plates_of_one_series_are_not_copies() -> None:
    first, second = generate("CR", images=2, rows=64, columns=64)
    assert first.PlateID != second.PlateID
    assert not np.array_equal(first.pixel_array, second.pixel_array)


@pytest.fixture(scope="module")
def presented() -> list[Dataset]:
    return list(generate("DX", images=2, rows=320, columns=256))


@pytest.fixture(scope="module")
def unprocessed() -> list[Dataset]:
    return list(generate("DX-PROCESSING", images=2, rows=320, columns=256))


def test_the_thumb_is_on_the_side_that_the_laterality_says(presented: list[Dataset]) -> None:
    # seen from the back with fingers up, a right hand's thumb is on the left of the picture
    for image, thumb, beyond in zip(presented, (0.16, 0.84), (0.84, 0.16), strict=True):
        assert (
            around(image.pixel_array, 0.47, thumb) > around(image.pixel_array, 0.47, beyond) + 300
        )
    assert [image.ImageLaterality for image in presented] == ["R", "L"]


def test_an_image_refers_to_the_unprocessed_one_that_it_was_made_from(
    presented: list[Dataset], unprocessed: list[Dataset]
) -> None:
    for image, raw in zip(presented, unprocessed, strict=True):
        (source,) = image.SourceImageSequence
        assert source.ReferencedSOPInstanceUID == raw.SOPInstanceUID
        assert source.ReferencedSOPClassUID == raw.SOPClassUID
        assert source.PurposeOfReferenceCodeSequence[0].CodeValue == "121358"
        assert (image.ImageType[0], raw.ImageType[0]) == ("DERIVED", "ORIGINAL")
        assert image.ImageLaterality == raw.ImageLaterality


def test_what_is_bright_to_the_eye_is_where_little_arrived(
    presented: list[Dataset], unprocessed: list[Dataset]
) -> None:
    for image, raw in zip(presented, unprocessed, strict=True):
        assert (image.PresentationIntentType, raw.PresentationIntentType) == (
            "FOR PRESENTATION",
            "FOR PROCESSING",
        )
        shown, arrived = image.pixel_array.astype(int), raw.pixel_array.astype(int)
        assert np.corrcoef(shown.ravel(), arrived.ravel())[0, 1] < -0.8
        assert arrived.max() > 13000
        assert image.PixelIntensityRelationshipSign == -raw.PixelIntensityRelationshipSign


@pytest.mark.parametrize(("family", "shape"), [("DX", "IDENTITY"), ("DX-PROCESSING", "INVERSE")])
def test_photometric_interpretation_fits_the_presentation_lut_shape(
    family: str, shape: str
) -> None:
    # PS3.3 C.8.11.3.1: IDENTITY goes with MONOCHROME2, INVERSE with MONOCHROME1
    image = next(generate(family, images=1, rows=16, columns=16))
    expected = "MONOCHROME2" if shape == "IDENTITY" else "MONOCHROME1"
    assert (image.PresentationLUTShape, image.PhotometricInterpretation) == (shape, expected)


@pytest.mark.parametrize("family", ["CR", "DX", "DX-PROCESSING", "MG", "XA", "RF"])
def test_the_field_does_not_change_with_the_number_of_pixels(family: str) -> None:
    fields = set()
    for rows, columns in ((32, 32), (128, 64)):
        image = next(generate(family, images=1, rows=rows, columns=columns))
        down, across = image.ImagerPixelSpacing
        fields.add((round(down * rows, 2), round(across * columns, 2)))
    assert len(fields) == 1
