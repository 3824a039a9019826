import itertools

import pytest

from slsg_edge.line.sources.ages import ArrivalClock, StreamClock


def ages(clock, frames):
    """Of frames given as when they were taken and when they arrived, by the stream's stamps."""
    return [round(arrived - clock.taken_at(taken, arrived), 3) for taken, arrived in frames]


def test_a_picture_that_was_held_up_is_as_old_as_that():
    frames = [(0, 50.0), (0.04, 50.04), (0.08, 55.08), (0.12, 55.09), (5.12, 55.12)]
    assert ages(StreamClock(), frames) == pytest.approx([0, 0, 5, 4.97, 0], abs=0.01)


def test_a_shorter_way_becomes_the_measure():
    frames = [(0, 51.2), (0.04, 51.2), (1.2, 51.2), (1.24, 51.24), (1.28, 52.28)]
    assert ages(StreamClock(), frames)[-1] == pytest.approx(1, abs=0.01)


def test_a_camera_whose_clock_is_slow_does_not_grow_old():
    drifting = [(second * (1 - 1e-4), float(second)) for second in range(0, 36000, 10)]
    assert max(ages(StreamClock(), drifting)) < 0.1


def arrivals(clock, times):
    return [round(arrived - clock.taken_at(arrived), 3) for arrived in times]


def test_without_stamps_pictures_that_hurry_after_a_pause_had_been_waiting():
    usual = [0.1 * count for count in range(10)]
    burst = [5.9 + 0.001 * count for count in range(40)]
    later = [6.1, 6.2]
    found = arrivals(ArrivalClock(), usual + burst + later)
    assert found[:10] == [0] * 10
    assert found[10] == pytest.approx(5)
    assert all(one > other for one, other in itertools.pairwise(found[10:50]))
    assert found[-2:] == [0, 0]


def test_without_stamps_a_camera_that_paused_is_fresh_at_its_usual_pace():
    times = [0.1 * count for count in range(10)] + [3.0, 3.1, 3.2]
    assert arrivals(ArrivalClock(), times)[-2:] == [0, 0]
