"""What a run of verdicts says of a station."""

import pytest
from line_records import record

from slsg_edge.line.service.course import Course


def run(*verdicts):
    course = Course()
    return course, [course.after(record(reason), faulty=faulty) for reason, faulty in verdicts]


def test_a_station_is_well_from_its_first_inspected_frame():
    assert run((None, False), ("between_thresholds", False))[1] == ["ok", "ok"]


@pytest.mark.parametrize("reason", ["no_frame", "frozen", "stale"])
def test_one_verdict_says_that_the_camera_is_lost_and_one_that_it_is_back(reason):
    assert run((None, False), (reason, True), (None, False))[1] == ["ok", "lost", "ok"]


def test_a_damaged_frame_now_and_then_is_counted_and_no_more():
    damaged = ("damaged_frame", True)
    assert run((None, False), damaged, damaged, (None, False))[1] == ["ok"] * 4


def test_nothing_but_damaged_frames_is_a_lost_camera():
    assert run((None, False), *[("damaged_frame", True)] * 5)[1][-1] == "lost"


def test_frames_that_the_detector_refuses_are_the_cameras_and_not_its_loss():
    assert run((None, False), *[("frame_size", False)] * 9)[1][-1] == "ok"


def test_failures_of_the_detector_are_counted_in_a_row():
    failed = ("detector_failed", False)
    assert run(failed, failed)[0].failures == 2
    assert run(failed, (None, False), failed)[0].failures == 1
    assert run((None, False), failed)[1] == ["ok", "failing"]
