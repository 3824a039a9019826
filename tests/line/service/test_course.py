"""What a run of verdicts says of a station."""

import pytest
from line_records import record

from slsg_edge.line.service.course import Course


def run(*verdicts):
    course = Course()
    return course, [course.after(record(reason)) for reason in verdicts]


def test_a_station_is_well_from_its_first_inspected_frame():
    assert run(None, "between_thresholds")[1] == ["ok", "ok"]


@pytest.mark.parametrize("reason", ["no_frame", "frozen", "stale"])
def test_one_verdict_says_that_the_camera_is_lost_and_one_that_it_is_back(reason):
    assert run(None, reason, None)[1] == ["ok", "lost", "ok"]


def test_a_damaged_frame_now_and_then_is_counted_and_no_more():
    damaged = "damaged_frame"
    assert run(None, damaged, damaged, None)[1] == ["ok"] * 4


def test_nothing_but_damaged_frames_is_a_lost_camera():
    assert run(None, *["damaged_frame"] * 5)[1][-1] == "lost"


def test_a_camera_that_shows_nothing_that_can_be_inspected_is_lost_too():
    assert run(None, *["frame_size"] * 5)[1] == ["ok"] * 5 + ["lost"]
    assert run(*["no_picture"] * 5, "no_picture", None)[1][-2:] == ["lost", "ok"]


def test_failures_of_the_detector_are_counted_in_a_row():
    failed = "detector_failed"
    assert run(failed, failed)[0].failures == 2
    assert run(failed, None, failed)[0].failures == 1
    assert run(None, failed)[1] == ["ok", "failing"]
