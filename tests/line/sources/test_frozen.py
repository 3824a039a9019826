import numpy as np
import pytest

from slsg_edge.line.sources.frozen import Repeats

NOISE = np.random.default_rng(0).integers(0, 255, (20, 64, 64, 3), np.uint8)


def frozen(repeats, pictures, **settings):
    return [repeats.frozen(picture, **settings) for picture in pictures]


def test_equal_pictures_are_frozen_from_a_number_on():
    assert frozen(Repeats(3), [NOISE[0]] * 4) == [False, False, True, True]


def test_another_picture_ends_it():
    pictures = [NOISE[0], NOISE[0], NOISE[1], NOISE[1], NOISE[1]]
    assert frozen(Repeats(3), pictures) == [False, False, False, False, True]


def test_pictures_of_a_sensor_are_never_frozen():
    assert not any(frozen(Repeats(2), NOISE))


def test_a_change_of_size_is_a_change():
    assert frozen(Repeats(2), [NOISE[0], NOISE[0][:32]]) == [False, False]


def test_it_can_be_allowed():
    assert not any(frozen(Repeats(0), [NOISE[0]] * 10))


def touched(picture, pixels, levels):
    copy = picture.copy()
    copy.reshape(-1, 3)[:pixels] = np.clip(
        copy.reshape(-1, 3)[:pixels].astype(int) + levels, 0, 255
    )
    return copy


def test_coding_of_a_repeated_picture_changes_little_and_does_not_count():
    grey = np.full((64, 64, 3), 100, np.uint8)
    pictures = [touched(grey, index, 3) for index in range(6)]
    assert frozen(Repeats(4), pictures, whole=False, coded=True)[3:] == [True] * 3


def test_a_keyframe_draws_anew_and_says_nothing():
    grey = np.full((64, 64, 3), 100, np.uint8)
    repeats = Repeats(4)
    assert frozen(repeats, [grey] * 3, whole=False, coded=True) == [False] * 3
    assert not repeats.frozen(grey + 5, whole=True, coded=True)
    assert repeats.frozen(grey + 5, whole=False, coded=True)


def test_once_frozen_only_a_true_change_ends_it():
    grey = np.full((64, 64, 3), 100, np.uint8)
    repeats = Repeats(3)
    assert frozen(repeats, [grey] * 3, whole=False, coded=True)[-1]
    assert repeats.frozen(touched(grey, 3000, 3), whole=False, coded=True)
    assert not repeats.frozen(touched(grey, 30, 60), whole=False, coded=True)


@pytest.mark.parametrize(("pixels", "levels"), [(3, 60), (2000, 4)])
def test_a_part_that_moves_or_noise_is_no_repetition(pixels, levels):
    grey = np.full((64, 64, 3), 100, np.uint8)
    pictures = [touched(grey, pixels * (index % 2), levels) for index in range(9)]
    assert not any(frozen(Repeats(3), pictures, whole=False, coded=True))
