"""When a station did not inspect, from events."""

import pytest

from slsg_edge.line.outbox.entries import Event
from slsg_edge.line.shift.downtime import KILLED, STOPPED, outages_of


def _events(*entries):
    return [
        Event(number, at, kind, station, state, text)
        for number, (at, kind, station, state, text) in enumerate(entries, 1)
    ]


START = (0, "started", "", "ok", "")


def _down(*entries, period=(0, 100), last_sign=lambda at: at - 5):
    return {
        (each.cause, each.start, each.end)
        for each in outages_of("a", _events(*entries), period, last_sign)
    }


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((START,), set()),
        ((START, (10, "source", "a", "lost", "no frame"), (20, "source", "a", "ok", "")),
         {("camera: no frame", 10, 20)}),
        ((START, (10, "source", "a", "lost", "x")), {("camera: x", 10, 100)}),
        ((START, (-20, "source", "a", "lost", "x"), (20, "source", "a", "ok", "")),
         {("camera: x", 0, 20)}),
        ((START, (10, "source", "b", "lost", "x")), set()),
        ((START, (10, "source", "a", "lost", "x"), (20, "detector", "a", "failing", "y"),
          (30, "source", "a", "ok", "")), {("camera: x", 10, 20), ("detector: y", 20, 30)}),
        ((START, (10, "source", "a", "lost", "x"), (15, "source", "a", "lost", "x"),
          (30, "source", "a", "idle", "")), {("camera: x", 10, 30)}),
        ((START, (10, "stopped", "", "stopped", ""), (30, "started", "", "ok", "")),
         {(STOPPED, 10, 30)}),
        ((START, (40, "started", "", "ok", "")), {(KILLED, 35, 40)}),
        ((START, (10, "detector", "a", "refused", "y"), (15, "detector", "a", "kept", "z"),
          (20, "started", "a", "changed", "")), {("detector: y", 10, 20)}),
        ((START, (50, "source", "a", "lost", "x"), (20, "source", "a", "ok", "")), set()),
        ((START, (150, "source", "a", "lost", "x")), set()),
    ],
)  # fmt: skip
def test_outages(entries, expected):
    assert _down(*entries) == expected
