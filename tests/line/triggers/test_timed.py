import time

import numpy as np
import pytest

from slsg_edge.contracts import Fault, Frame
from slsg_edge.line.settings.line import TriggerSettings
from slsg_edge.line.triggers.triggers import trigger_of

IMAGE = np.zeros((4, 4, 3), np.uint8)


def frame(index, captured, fault=None):
    return Frame(index, "camera", time.time(), captured, None if fault else IMAGE, fault)


def chosen(settings, frames):
    trigger = trigger_of(settings, None)
    return [one.index for one in trigger.chosen(frames)], trigger


def test_every_frame_takes_all():
    taken, trigger = chosen(TriggerSettings(), [frame(index, index) for index in range(3)])
    assert taken == [0, 1, 2]
    assert (trigger.skipped, trigger.idle) == (0, False)


def test_every_third_and_each_with_a_fault():
    frames = [frame(i, i, Fault("no_frame", "gone") if i == 4 else None) for i in range(7)]
    taken, trigger = chosen(TriggerSettings(every=3), frames)
    assert taken == [0, 3, 4, 6]
    assert trigger.skipped == 3


def test_an_interval_takes_the_first_of_each_and_each_with_a_fault():
    frames = [frame(i, i * 0.1, Fault("no_frame", "gone") if i == 7 else None) for i in range(21)]
    taken, trigger = chosen(TriggerSettings("interval", every_ms=500), frames)
    assert taken == [0, 5, 7, 10, 15, 20]
    assert trigger.skipped == 15


def test_intervals_do_not_drift_and_are_not_made_up_for():
    at = (0.0, 0.53, 1.01, 3.7, 4.0, 4.01)
    taken, _ = chosen(
        TriggerSettings("interval", every_ms=500), [frame(i, moment) for i, moment in enumerate(at)]
    )
    assert taken == [0, 1, 2, 3, 4]


def test_what_was_closed_ends_at_the_next_frame():
    trigger = trigger_of(TriggerSettings(), None)
    frames = trigger.chosen(frame(i, i) for i in range(100))
    assert next(frames).index == 0
    trigger.close()
    assert list(frames) == []


@pytest.mark.parametrize("kind", ["every_frame", "interval"])
def test_it_is_idle_while_its_source_is(kind):
    class Folder(list):
        idle = True

    folder = Folder([frame(0, 0)])
    trigger = trigger_of(TriggerSettings(kind), None)
    assert not trigger.idle
    assert next(trigger.chosen(folder)).index == 0
    assert trigger.idle
    folder.idle = False
    assert not trigger.idle
