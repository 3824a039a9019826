import numpy as np
import pytest

from slsg_edge.line.sources.captures import CannotOpen, Picture
from slsg_edge.line.sources.capturing import Capturing, LiveOptions

OPTIONS = LiveOptions(first_pause=0.2, last_pause=5)
FAILURE = OSError("driver of rtsp://user:secret@camera lost")


class Heard:
    """An outlet that keeps what it was told, in words."""

    def __init__(self):
        self.events, self.pictures, self.pauses = [], [], []

    def opening(self):
        self.events.append("opening")

    def opened(self, frame_count, codec):
        self.events.append("opened")

    def wrong(self, why):
        self.events.append(f"wrong: {why}")

    def skipped(self):
        self.events.append("skipped")

    def picture(self, picture):
        self.pictures.append(picture)
        self.events.append(picture.fault.reason if picture.fault else "picture")

    def fault(self, reason, detail):
        self.events.append(f"{reason}: {detail}")


class Scripted:
    """Gives pictures, then does what it was told to: ends, or raises."""

    frame_count = 0
    codec = ""

    def __init__(self, pictures=None, end=None, close=None):
        self._pictures = iter(
            [Picture(np.zeros((4, 4, 3), np.uint8))] if pictures is None else pictures
        )
        self._end, self._close = end, close
        self.closed = False

    def read(self):
        picture = next(self._pictures, None)
        if picture is None and self._end is not None:
            raise self._end
        return picture

    def close(self):
        self.closed = True
        if self._close is not None:
            raise self._close


def capture(attempts, options=OPTIONS, rounds=None):
    """What was told of these attempts to connect."""
    heard, left = Heard(), iter(attempts)

    def connect():
        attempt = next(left)
        if isinstance(attempt, BaseException):
            raise attempt
        return attempt

    rounds = len(attempts) if rounds is None else rounds
    stopped = lambda: len(heard.pauses) >= rounds  # noqa: E731
    Capturing(connect, "camera", options, heard).run(stopped, heard.pauses.append)
    return heard


def test_a_lost_connection_is_taken_up_again():
    heard = capture([Scripted(), Scripted()])
    one = ["opening", "opened", "picture", "no_frame: camera stopped sending"]
    assert heard.events == one * 2


@pytest.mark.parametrize("failure", [FAILURE, SystemExit(3)])
@pytest.mark.parametrize("where", ["end", "close", "connect"])
def test_capturing_goes_on_after_whatever_a_driver_raises(where, failure):
    first = failure if where == "connect" else Scripted(**{where: failure})
    heard = capture([first, Scripted()])
    (told,) = (event for event in heard.events if event.startswith("no_frame: camera failed"))
    assert told.startswith(f"no_frame: camera failed: {type(failure).__name__}: ")
    assert "secret" not in told
    assert heard.events[-2:] == ["picture", "no_frame: camera stopped sending"]
    assert where == "connect" or first.closed


def test_what_cannot_be_reached_says_why_without_secrets():
    heard = capture([CannotOpen("rtsp://u:secret@c refused")])
    assert heard.events == ["opening", "no_frame: camera cannot be reached: rtsp://***@c refused"]


def test_a_wrong_address_is_told():
    heard = capture([CannotOpen("it answers 404", wrong=True)])
    assert heard.events[1] == "wrong: it answers 404"
    assert heard.pauses == [0.2]


def test_a_refused_password_is_not_tried_often():
    heard = capture([CannotOpen("it answers 401", refused=True)])
    assert heard.events[1] == "wrong: it answers 401"
    assert heard.pauses == [5.0]


def test_reconnecting_waits_longer_each_time_up_to_a_limit():
    heard = capture([CannotOpen("off")] * 7)
    assert heard.pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5, 5]


def test_a_peer_that_sends_nothing_is_no_success():
    heard = capture([Scripted([])] * 3)
    assert heard.pauses == [0.2, 0.4, 0.8]


def picture(level, waited=1.0, **settings):
    return Picture(np.full((4, 4, 3), level, np.uint8), waited=waited, **settings)


def test_what_had_been_waiting_when_it_was_connected_is_thrown_away():
    waits = [0.0, 0.001, 0.04, 0.0]
    heard = capture([Scripted([picture(index, wait) for index, wait in enumerate(waits)])])
    assert heard.events[2:6] == ["skipped", "skipped", "picture", "picture"]


def test_the_same_picture_again_and_again_is_frozen_until_another_comes():
    levels = [1, 2, 2, 2, 2, 2, 2, 3]
    heard = capture([Scripted([picture(level) for level in levels])])
    assert heard.events[2:10] == ["picture"] * 5 + ["frozen"] * 2 + ["picture"]
    assert heard.pictures[5].image is None


def test_a_source_that_may_repeat_itself_is_allowed_to():
    options = LiveOptions(frozen_after=0)
    heard = capture([Scripted([picture(2)] * 20)], options)
    assert heard.events.count("picture") == 20


def test_a_connection_that_stays_late_is_made_anew(monkeypatch):
    late = [picture(index, captured_monotonic=-100.0) for index in range(50)]
    now = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: float(next(now)))
    heard = capture([Scripted(late)])
    assert heard.events[-1].endswith("sends pictures that are too old; it is connected anew")
    assert len(heard.pictures) < 10
