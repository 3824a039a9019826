"""A pipeline of GStreamer, as `gstreamer:v4l2src ! jpegdec`: what is known to no other source.

Its decoders may paint over what is damaged. What they say is damaged is not inspected; what they
do not say is.
"""

import re
import time
from typing import Any

import numpy as np

from slsg_edge.contracts import Fault, Image
from slsg_edge.line.sources.ages import ArrivalClock, StreamClock
from slsg_edge.line.sources.captures import CannotOpen, Deadlines, Picture
from slsg_edge.line.sources.gstreamer_library import (
    FAILURE,
    NO_TIME,
    NULL,
    PLAYING,
    Sample,
    complaint,
    library,
    parsed,
    pulled,
)

PREFIX = "gstreamer:"
_SINK = b"slsg_edge"
_TAIL = (
    " ! videoconvert ! video/x-raw,format=BGR"
    " ! appsink name=slsg_edge max-buffers=1 drop=true sync=false"
)
_OWN_SINK = re.compile(r"!\s*(appsink|autovideosink|fakesink)\b[^!]*$")
_PLAIN = re.compile(r"[a-z][a-z0-9]{1,30}")
_WHY = 0.2  # seconds to wait for the reason of a failure


def origin_of(text: str) -> str:
    """For people: the first element alone, since passwords may stand anywhere behind it."""
    first = _PLAIN.match(text.removeprefix(PREFIX).strip())
    return f"{PREFIX}{first[0] if first else '***'}"


def open_gstreamer(text: str, deadlines: Deadlines) -> "GstreamerCapture":
    """CannotOpen with GStreamer's words when it gives no picture."""
    pipeline = _OWN_SINK.sub("", text.removeprefix(PREFIX)).strip()
    if not pipeline:
        raise CannotOpen("it names no element", wrong=True)
    capture = GstreamerCapture(parsed(pipeline + _TAIL), deadlines)
    try:
        capture.start()
    except BaseException:
        capture.close()
        raise
    return capture


class GstreamerCapture:
    frame_count = 0
    codec = ""

    def __init__(self, pipeline: Any, deadlines: Deadlines) -> None:
        self._gst, self._pipeline, self._deadlines = library(), pipeline, deadlines
        self._sink = self._gst.gst_bin_get_by_name(pipeline, _SINK)
        self._bus = self._gst.gst_element_get_bus(pipeline)
        self._stamps, self._arrivals = StreamClock(), ArrivalClock()
        self._first: Picture | None = None

    def start(self) -> None:
        """Until the first picture is there."""
        if self._gst.gst_element_set_state(self._pipeline, PLAYING) == FAILURE:
            raise CannotOpen(complaint(self._bus, _WHY) or "the pipeline does not start")
        self._first = self._read(self._deadlines.open)
        if self._first is None:
            raise CannotOpen(complaint(self._bus) or "it gives no picture")

    def read(self) -> Picture | None:
        first, self._first = self._first, None
        return first or self._read(self._deadlines.read)

    def close(self) -> None:
        self._gst.gst_element_set_state(self._pipeline, NULL)
        for made in (self._bus, self._sink, self._pipeline):
            self._gst.gst_object_unref(made)

    def _read(self, timeout: float) -> Picture | None:
        asked = time.monotonic()
        sample = pulled(self._sink, timeout)
        if sample is None:
            return None
        arrived = time.monotonic()
        taken = self._taken_at(sample.pts, arrived)
        at = time.time() - (arrived - taken)
        image, fault = _content(sample)
        return Picture(image, at, taken, fault, waited=arrived - asked)

    def _taken_at(self, pts: int, arrived: float) -> float:
        if pts == NO_TIME:
            return self._arrivals.taken_at(arrived)
        return self._stamps.taken_at(pts / 1e9, arrived)


def _content(sample: Sample) -> tuple[Image | None, Fault | None]:
    if sample.corrupted:
        return None, Fault("damaged_frame", "GStreamer's decoder says that it is damaged")
    rows = sample.height
    if rows <= 0 or len(sample.content) < 3 * sample.width * rows or len(sample.content) % rows:
        return None, Fault("unreadable", "GStreamer gave a picture of a form that is not known")
    # each row is filled up to a multiple of four bytes
    lines = np.frombuffer(sample.content, np.uint8).reshape(rows, -1)
    image = lines[:, : 3 * sample.width].reshape(rows, sample.width, 3)
    return np.ascontiguousarray(image), None
