"""Bodies in a beam: what they attenuate, where, and that it adds up."""

from __future__ import annotations

import math

import numpy as np
import pytest

from modalities.generation import plan
from modalities.phantoms.marks import letters, place
from modalities.phantoms.projection import Canvas, Grain, chord, curve, levels, moved, table


def test_a_ball_attenuates_most_in_its_middle_and_not_at_all_beside_it() -> None:
    canvas = Canvas(101, 101)
    canvas.ellipsoid((0.0, 0.0), (0.5, 0.5), 2.0)
    assert canvas.field[50, 50] == pytest.approx(2.0, rel=1e-3)
    # half way out the chord is √3/2 of the middle's
    assert canvas.field[50, 50 + 12] == pytest.approx(2 * math.sqrt(1 - 0.4752**2), rel=1e-2)
    assert canvas.field[50, 80] == 0


def test_bodies_add_up_and_a_cavity_takes_away() -> None:
    canvas = Canvas(51, 51)
    canvas.ellipsoid((0.0, 0.0), (0.8, 0.8), 2.0)
    canvas.ellipsoid((0.0, 0.0), (0.2, 0.2), -0.5)
    assert canvas.field[25, 25] == pytest.approx(1.5, rel=1e-3)


def test_joined_tubes_grow_together_while_others_cross() -> None:
    across, along = [(-0.8, 0.0, 0.2), (0.8, 0.0, 0.2)], [(0.0, -0.8, 0.2), (0.0, 0.8, 0.2)]
    crossed, joined = Canvas(51, 51), Canvas(51, 51)
    for course in (across, along):
        crossed.tube(course, 1.0)
        joined.tube(course, 1.0, joined=True)
    assert crossed.field[25, 25] == pytest.approx(2.0, rel=1e-2)
    assert joined.field[25, 25] == pytest.approx(1.0, rel=1e-2)


def test_a_hollow_tube_is_brightest_at_its_wall() -> None:
    canvas = Canvas(201, 201)
    canvas.tube([(0.0, -0.9, 0.4), (0.0, 0.9, 0.4)], 1.0, hollow=0.8)
    profile = canvas.field[100]
    # its inside, as far as 0.72 of the radius, lacks 0.8 of what the wall has
    assert profile[100] == pytest.approx(1 - 0.72 * 0.8, rel=0.01)
    assert profile.max() > 1.5 * profile[100]
    assert 0.6 < abs(int(profile.argmax()) - 100) / 40 < 0.9


def test_the_way_along_a_tube_is_counted_from_0_to_1() -> None:
    canvas = Canvas(101, 101)
    box, squared, position = canvas.along([(-0.5, -0.5, 0.1), (0.5, -0.5, 0.1), (0.5, 0.5, 0.1)])
    whole = np.full((101, 101), np.nan)
    whole[box] = np.where(squared < 1, position, np.nan)
    assert whole[25, 26] == pytest.approx(0.0, abs=0.02)
    assert whole[25, 75] == pytest.approx(0.5, abs=0.03)
    assert whole[75, 75] == pytest.approx(1.0, abs=0.02)


def test_a_circle_stays_one_in_an_image_that_is_not_square() -> None:
    canvas = Canvas(200, 100, width=0.5)
    canvas.ellipsoid((0.0, 0.0), (0.4, 0.4), 1.0)
    inside = canvas.field > 0
    assert inside.any(axis=0).sum() == pytest.approx(inside.any(axis=1).sum(), abs=1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (8, 8)])
def test_bodies_may_lie_beside_the_image_or_be_smaller_than_a_pixel(
    shape: tuple[int, int],
) -> None:
    canvas = Canvas(*shape)
    canvas.ellipsoid((5.0, 5.0), (0.1, 0.1), 1.0)
    canvas.tube([(-4.0, -3.0, 0.1), (-2.0, -2.5, 0.1)], 1.0)
    assert canvas.field.max() == 0
    canvas.ellipsoid((0.01, 0.01), (0.001, 0.001), 1.0)
    canvas.tube([(0.2, 0.2, 0.1), (0.2, 0.2, 0.1)], 1.0)  # a tube of no length
    assert np.isfinite(canvas.field).all()


def test_a_curve_passes_through_its_knots() -> None:
    knots = [(0.0, 0.0, 0.1), (0.3, 0.5, 0.2), (0.1, 0.9, 0.05)]
    smooth = curve(knots, 5)
    assert len(smooth) == 11
    for number, knot in enumerate(knots):
        assert smooth[5 * number] == pytest.approx(knot)


def test_levels_and_a_table_make_stored_values_that_never_overflow() -> None:
    tones = table(lambda attenuation: attenuation / 2, most=2.0, count=100, highest=255)
    field = np.array([[-1.0, 0.0, 1.0, 2.0, 50.0]], np.float32)
    assert tones[levels(field, 2.0, 100)].tolist() == [[1, 1, 129, 254, 254]]
    assert table(lambda _: 7.0, 1.0, 4, 255).tolist() == [255] * 4


def test_what_moves_into_view_continues_the_edge() -> None:
    pixels = np.arange(9).reshape(3, 3)
    assert moved(pixels, 1, 0).tolist() == [[0, 1, 2], [0, 1, 2], [3, 4, 5]]
    assert moved(pixels, 0, -1).tolist() == [[1, 2, 2], [4, 5, 5], [7, 8, 8]]


def test_noise_is_another_one_in_each_image_and_as_wide_as_asked() -> None:
    grain = Grain(plan("CR", rows=128, columns=128), 10.0)
    first, second = grain.of(1), grain.of(2)
    assert not np.array_equal(first, second)
    assert first.std() == pytest.approx(10, rel=0.05)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05


def test_chords_end_where_a_ball_ends() -> None:
    assert chord(np.array([0, 1, 4], np.float32)).tolist() == [1, 0, 0]


def test_letters_are_as_large_as_asked_and_left_out_where_they_do_not_fit() -> None:
    small, large = letters("R", 1), letters("R", 3)
    assert large.shape == (3 * small.shape[0], 3 * small.shape[1])
    placed = place((60, 60), large, 0.5, 0.5)
    assert placed is not None
    assert placed.sum() == large.sum()
    assert place((60, 60), large, 0.02, 0.5) is None
    assert place((8, 8), large, 0.5, 0.5) is None
