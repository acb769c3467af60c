"""Colour: an endoscope's round field, a photograph with a ruler, a workstation's screen."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset

from modalities.generation import generate
from modalities.phantoms.skin import FIELD_MM


@pytest.fixture(scope="module")
def stills() -> list[Dataset]:
    return list(generate("ES", images=3))


def test_an_endoscope_sees_a_round_field_and_black_around_it(stills: list[Dataset]) -> None:
    for image in stills:
        pixels = image.pixel_array.astype(int)
        assert pixels[100:, :100].max() == 0
        assert pixels[-8:, -60:].max() == 0
        red, green, blue = (np.median(pixels[60:420, 200:560, channel]) for channel in range(3))
        assert red > 1.4 * green > 1.4 * blue * 0.9


def test_the_lumen_is_dark_and_the_view_changes_from_stop_to_stop(stills: list[Dataset]) -> None:
    darkest = []
    for image in stills:
        grey = image.pixel_array[60:420, 220:540].astype(int).sum(axis=2)
        rows, columns = np.nonzero(grey < 40)
        assert rows.size > 200
        darkest.append((int(rows.mean()), int(columns.mean())))
    assert len(set(darkest)) == 3


def test_a_ruler_in_the_photograph_measures_what_the_photograph_shows() -> None:
    image = next(generate("XC", images=1, rows=960, columns=1280))
    pixels = image.pixel_array
    # ticks start at the ruler's upper edge
    edge = pixels[int(0.83 * 960) + 3].astype(int).max(axis=1)
    ticks = np.nonzero((edge[1:] < 60) & (edge[:-1] > 200))[0]
    millimetre = 960 / FIELD_MM
    assert len(ticks) > 90
    assert np.diff(ticks).mean() == pytest.approx(millimetre, rel=0.01)


def test_a_mole_is_darker_than_the_skin_around_it_which_has_the_colour_of_skin() -> None:
    pixels = next(generate("XC", images=1)).pixel_array.astype(int)
    mole, skin = (
        np.median(pixels[200:215, 340:355], axis=(0, 1)),
        np.median(pixels[280:330, 300:400], axis=(0, 1)),
    )
    assert mole.sum() < skin.sum() / 2
    assert skin[0] > skin[1] > skin[2] > 90


def test_a_screen_shows_names_and_numbers_and_claims_no_acquisition() -> None:
    first, second = generate("SC", images=2)
    assert first.ConversionType == "WSD"
    assert "AcquisitionDate" not in first
    assert first.BurnedInAnnotation == "YES"
    text = (first.pixel_array[:45, :200] > 230).all(axis=2)
    assert text.sum() > 300
    values = slice(80, 440), slice(105, 155)
    assert not np.array_equal(first.pixel_array[values], second.pixel_array[values])


def test_a_perfusion_map_goes_through_all_colours_of_its_scale() -> None:
    (image,) = generate("SC", images=1)
    area = image.pixel_array[85:285, 300:560].astype(int)
    red, green, blue = area[..., 0], area[..., 1], area[..., 2]
    assert ((blue > red + 80) & (blue > green + 60)).sum() > 300
    assert ((green > blue + 60) & (green > red + 20)).sum() > 300
    assert ((red > green + 60) & (red > blue + 60)).sum() > 300


@pytest.mark.parametrize("family", ["ES", "XC", "SC"])
@pytest.mark.parametrize("size", [(8, 8), (8, 300), (300, 8), (97, 131)], ids=str)
def test_odd_sizes_are_drawn_too(family: str, size: tuple[int, int]) -> None:
    image = next(generate(family, images=1, rows=size[0], columns=size[1]))
    assert image.pixel_array.shape == (*size, 3)
