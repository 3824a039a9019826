"""Pipelines of the real GStreamer, where it is installed."""

import itertools

import numpy as np
import pytest

from slsg_edge.errors import CameraError
from slsg_edge.line.sources.captures import CannotOpen, Deadlines
from slsg_edge.line.sources.capturing import LiveOptions
from slsg_edge.line.sources.connecting import Address
from slsg_edge.line.sources.gstreamer import (
    _content,
    open_gstreamer,
    origin_of,
)
from slsg_edge.line.sources.gstreamer_library import Sample, app_library, library
from slsg_edge.line.sources.live import LiveSource
from slsg_edge.line.sources.source import open_source

LONG = Deadlines(20, 20)
LIVE = "gstreamer:videotestsrc is-live=true pattern=snow ! video/x-raw,width=%d,height=20"


@pytest.fixture(autouse=True)
def _installed():
    try:
        library(), app_library()
    except CannotOpen:
        pytest.skip("needs libgstreamer1.0 and gstreamer1.0-plugins-base")


@pytest.mark.parametrize("width", [30, 31, 33])
def test_each_pixel_is_where_it_belongs(width):
    """Rows are filled up to four bytes, which a wrong reading would show as a slope."""
    text = f"gstreamer:videotestsrc pattern=blue ! video/x-raw,width={width},height=20"
    capture = open_gstreamer(text, LONG)
    picture = capture.read()
    capture.close()
    assert picture.image.shape == (20, width, 3)
    assert np.abs(picture.image.astype(int) - (255, 0, 0)).max() < 4


def test_a_sink_of_the_users_own_is_replaced():
    capture = open_gstreamer("gstreamer:videotestsrc num-buffers=1 ! appsink drop=true", LONG)
    assert capture.read().image is not None
    capture.close()


def test_the_end_of_a_pipeline_is_the_end():
    capture = open_gstreamer("gstreamer:videotestsrc num-buffers=1", LONG)
    assert capture.read() is not None
    assert capture.read() is None
    capture.close()


def test_a_live_pipeline_is_captured_by_a_process_of_its_own():
    with open_source(LIVE % 32, LiveOptions(stall=20, deadlines=LONG)) as source:
        frames = list(itertools.islice(source, 3))
    assert source.live
    assert {frame.origin for frame in frames} == {"gstreamer:videotestsrc"}
    assert {frame.image.shape for frame in frames if frame.image is not None} == {(20, 32, 3)}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("gstreamer:nonsense ! foo", 'no element "nonsense"'),
        ("gstreamer:videotestsrc nosuch=1", 'no property "nosuch"'),
        ("gstreamer:videotestsrc !! x", "syntax error"),
        ("gstreamer:", "names no element"),
    ],
)
def test_what_gstreamer_does_not_understand_is_said_in_its_words(text, why):
    with pytest.raises(CannotOpen) as raised:
        open_gstreamer(text, LONG)
    assert why in raised.value.why
    assert raised.value.wrong


def test_a_pipeline_that_can_never_be_is_refused_at_once():
    with pytest.raises(CameraError, match='gstreamer:nonsense gives no video: no element "non'):
        open_source("gstreamer:nonsense ! foo", LiveOptions(stall=20))


def test_a_pipeline_that_may_come_is_waited_for(tmp_path):
    text = f"gstreamer:filesrc location={tmp_path}/gone.png ! decodebin"
    with pytest.raises(CannotOpen, match="not found") as raised:
        open_gstreamer(text, LONG)
    assert not raised.value.wrong


def test_a_pipeline_that_hangs_is_killed_and_started_anew():
    hangs = "gstreamer:videotestsrc is-live=true ! identity sleep-time=90000000"
    options = LiveOptions(stall=0.5, deadlines=Deadlines(0.5, 0.5))
    with LiveSource(Address("gstreamer", hangs, "gstreamer:videotestsrc"), options) as source:
        frame = next(frame for frame in source if "anew" in frame.fault.detail or frame.image)
    assert "capturing starts anew" in frame.fault.detail


def test_what_a_decoder_calls_damaged_is_not_inspected():
    image, fault = _content(Sample(bytes(60), 4, 5, 0, corrupted=True))
    assert (image, fault.reason) == (None, "damaged_frame")
    image, fault = _content(Sample(bytes(7), 4, 5, 0, corrupted=False))
    assert (image, fault.reason) == (None, "unreadable")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gstreamer:rtspsrc location=rtsp://u:p@h/1 user-pw=secret", "gstreamer:rtspsrc"),
        ("gstreamer: v4l2src ! x", "gstreamer:v4l2src"),
        ("gstreamer:( rtspsrc user-pw=secret )", "gstreamer:***"),
    ],
)
def test_of_a_pipeline_only_its_first_element_is_shown(text, shown):
    assert origin_of(text) == shown
