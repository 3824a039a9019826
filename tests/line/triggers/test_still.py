"""A film of parts that move in, stand, and move out again, with the noise of a sensor."""

import threading
import time
from itertools import pairwise

import cv2
import numpy as np
import pytest

from slsg_edge.contracts import Fault, Frame
from slsg_edge.errors import ConfigError
from slsg_edge.line.settings.line import TriggerSettings
from slsg_edge.line.triggers.triggers import trigger_of

WIDTH, HEIGHT, PART, STEP = 256, 128, 60, 0.04
MOVES, STANDS = 12, 20  # frames


def empty_place():
    return np.full((HEIGHT, WIDTH, 3), 70, np.uint8)


def picture(left, speed=0.0, seed=0):
    """A part with texture whose left edge is there; blurred along its way where it moves."""
    texture = np.random.default_rng(seed).integers(90, 250, (PART // 6, PART // 6, 1))
    part = np.kron(texture, np.ones((6, 6, 3))).astype(np.uint8)
    wide = np.full((HEIGHT, WIDTH + 4 * PART, 3), 70, np.uint8)
    at = round(left) + 2 * PART
    wide[40 : 40 + PART, at : at + PART] = part
    if speed:
        wide = cv2.blur(wide, (max(round(speed), 1), 1))
    return wide[:, 2 * PART : 2 * PART + WIDTH]


def film(parts, stands=STANDS, empty=0):
    """Pictures, and which part stands there: None while something moves or nothing is there."""
    middle, outside = (WIDTH - PART) / 2, WIDTH + PART / 2
    for part in range(parts):
        lefts = np.linspace(-PART * 1.5, middle, MOVES)
        out = np.linspace(middle, outside, MOVES)
        for ways in (lefts, None, out):
            if ways is None:
                yield from ((picture(middle, seed=part), part) for _ in range(stands))
            else:
                yield from ((picture(b, b - a, part), None) for a, b in pairwise(ways))
        yield from ((empty_place(), None) for _ in range(empty))


class Camera:
    def __init__(self, pictures, live=True, noise=4.0):
        self.live, self._pictures = live, list(pictures)
        self._random = np.random.default_rng(1)
        shape = (9, HEIGHT, WIDTH, 3)  # drawn once: noise takes longer than what is tested
        self._noise = self._random.normal(0, noise, shape).round().astype(np.int16)

    def __iter__(self):
        for index, (image, _) in enumerate(self._pictures):
            noise = self._noise[index % len(self._noise)]
            noisy = image + np.roll(noise, self._random.integers(WIDTH), 1)
            yield frame(index, np.clip(noisy, 0, 255).astype(np.uint8))


def frame(index, image, fault=None):
    return Frame(index, "camera", time.time(), 100 + index * STEP, image, fault)


def chosen(camera, **settings):
    trigger = trigger_of(TriggerSettings("still", **settings), None)
    return [one.index for one in trigger.chosen(camera)]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("noise", [0.0, 4.0, 10.0])
def test_each_standing_part_is_chosen_once_and_nothing_that_moves(live, noise):
    pictures = list(film(5, empty=2))
    taken = chosen(Camera(pictures, live, noise))
    assert [pictures[index][1] for index in taken] == [0, 1, 2, 3, 4]


def test_parts_that_follow_each_other_at_once():
    pictures = list(film(3, stands=10))
    assert [pictures[index][1] for index in chosen(Camera(pictures))] == [0, 1, 2]


def test_the_frame_is_a_sharp_one():
    pictures = list(film(2))
    for index in chosen(Camera(pictures, noise=0)):
        image, part = pictures[index]
        assert (image == picture((WIDTH - PART) / 2, seed=part)).all()


def test_a_part_that_stands_too_shortly_is_none():
    assert chosen(Camera(film(2, stands=4)), still_ms=200) == []


def test_a_part_that_stands_for_long_is_one():
    assert len(chosen(Camera(film(1, stands=300)))) == 1


def test_a_part_that_creeps_does_not_stand():
    creeping = [(picture(40 + 0.5 * step), None) for step in range(200)]
    assert chosen(Camera(creeping), still_ms=400) == []


def test_the_empty_place_counts_as_a_part_unless_its_picture_is_given(tmp_path):
    pictures = list(film(3, empty=20))
    assert len(chosen(Camera(pictures))) == 6
    cv2.imwrite(str(tmp_path / "empty.png"), empty_place())
    taken = chosen(Camera(pictures), still_empty=tmp_path / "empty.png")
    assert [pictures[index][1] for index in taken] == [0, 1, 2]


def test_a_picture_of_the_empty_place_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="picture of the empty place"):
        trigger_of(TriggerSettings("still", still_empty=tmp_path / "gone.png"), None)


def _with_fault(frames, after, count):
    """So many faults, one each frame's time, after so many frames."""
    for one in frames:
        late = count if one.index >= after else 0
        if one.index == after:
            for number in range(count):
                yield frame(after + number, None, Fault("damaged_frame", "torn"))
        yield frame(one.index + late, one.image)


def test_a_fault_passes_and_the_part_is_not_chosen_again():
    frames = _with_fault(Camera(film(1, stands=60)), 40, 1)
    trigger = trigger_of(TriggerSettings("still"), None)
    assert [one.fault is None for one in trigger.chosen(frames)] == [True, False]


def test_after_a_long_loss_it_may_be_another_part():
    frames = list(_with_fault(Camera(film(1, stands=60)), 40, 50))
    trigger = trigger_of(TriggerSettings("still"), None)
    taken = [one.fault is None for one in trigger.chosen(_Listed(frames))]
    assert [taken[0], taken[-1], taken.count(True)] == [True, True, 2]


class _Listed(list):
    live = False


def test_motion_is_seen_while_a_frame_is_inspected():
    """Parts that come while the detector is busy are not taken for the one that stood there."""
    pictures = list(film(3))
    trigger = trigger_of(TriggerSettings("still"), None)
    frames = trigger.chosen(Camera(pictures))
    taken = [next(frames)]
    deadline = time.monotonic() + 20
    while trigger.skipped < len(pictures) - 3 and time.monotonic() < deadline:
        time.sleep(0.01)  # the detector is busy with the first part
    taken += list(frames)
    assert [pictures[one.index][1] for one in taken] == [0, 1, 2]


def test_closing_ends_it_while_the_camera_is_silent():
    trigger = trigger_of(TriggerSettings("still"), None)

    class Silent:
        live = True

        def __iter__(self):
            time.sleep(60)
            yield from ()

    ended = threading.Event()

    def run():
        list(trigger.chosen(Silent()))
        ended.set()

    threading.Thread(target=run, daemon=True).start()
    trigger.close()
    assert ended.wait(20)
