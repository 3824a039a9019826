"""GStreamer's own library, as far as a pipeline that ends in our sink needs it."""

import ctypes
import ctypes.util
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import Any

from slsg_edge.line.sources.captures import CannotOpen

INSTALL = "apt install libgstreamer1.0-0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
NO_TIME = 2**64 - 1
CORRUPTED = 1 << 8  # GST_BUFFER_FLAG_CORRUPTED
PLAYING, NULL = 4, 1  # GstState
FAILURE = 0  # GstStateChangeReturn
ERROR, END = 1 << 1, 1 << 0  # GstMessageType
_READ = 1  # GST_MAP_READ


class _Error(ctypes.Structure):
    """GError."""

    _fields_ = [("domain", c_uint), ("code", c_int), ("message", c_char_p)]


class _MiniObject(ctypes.Structure):
    """GstMiniObject, as far as its flags."""

    _fields_ = [
        ("type", c_size_t), ("references", c_int), ("lock", c_int), ("flags", c_uint),
    ]  # fmt: skip


class _Map(ctypes.Structure):
    """GstMapInfo."""

    _fields_ = [
        ("memory", c_void_p), ("flags", c_int), ("data", c_void_p), ("size", c_size_t),
        ("most", c_size_t), ("user", c_void_p * 4), ("reserved", c_void_p * 4),
    ]  # fmt: skip


class _Buffer(ctypes.Structure):
    """GstBuffer, as far as its presentation time."""

    _fields_ = [
        ("head", ctypes.c_byte * 64), ("pool", c_void_p), ("pts", c_uint64),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture: its bytes, row after row, and when it is shown, in nanoseconds."""

    content: bytes
    width: int
    height: int
    pts: int
    corrupted: bool


_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "gst_init_check": (c_bool, (c_void_p, c_void_p, c_void_p)),
    "gst_parse_launch": (c_void_p, (c_char_p, POINTER(POINTER(_Error)))),
    "gst_bin_get_by_name": (c_void_p, (c_void_p, c_char_p)),
    "gst_element_set_state": (c_int, (c_void_p, c_int)),
    "gst_element_get_bus": (c_void_p, (c_void_p,)),
    "gst_bus_timed_pop_filtered": (c_void_p, (c_void_p, c_uint64, c_int)),
    "gst_message_parse_error": (None, (c_void_p, POINTER(POINTER(_Error)), c_void_p)),
    "gst_mini_object_unref": (None, (c_void_p,)),
    "gst_object_unref": (None, (c_void_p,)),
    "gst_sample_get_buffer": (c_void_p, (c_void_p,)),
    "gst_sample_get_caps": (c_void_p, (c_void_p,)),
    "gst_caps_get_structure": (c_void_p, (c_void_p, c_uint)),
    "gst_structure_get_int": (c_bool, (c_void_p, c_char_p, POINTER(c_int))),
    "gst_buffer_map": (c_bool, (c_void_p, POINTER(_Map), c_int)),
    "gst_buffer_unmap": (None, (c_void_p, POINTER(_Map))),
}


@cache
def library() -> Any:
    """CannotOpen where it is not installed."""
    loaded = _loaded("gstreamer-1.0")
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    if not loaded.gst_init_check(None, None, None):
        raise CannotOpen("GStreamer does not start", wrong=True)
    return loaded


@cache
def app_library() -> Any:
    loaded = _loaded("gstapp-1.0")
    loaded.gst_app_sink_try_pull_sample.restype = c_void_p
    loaded.gst_app_sink_try_pull_sample.argtypes = (c_void_p, c_uint64)
    return loaded


def parsed(pipeline: str) -> Any:
    """The pipeline; CannotOpen with GStreamer's words where it cannot be understood."""
    error = POINTER(_Error)()
    made = library().gst_parse_launch(pipeline.encode(), byref(error))
    if made and not error:
        return made
    if made:  # as with a property that is not there: it would run otherwise than it was meant to
        library().gst_object_unref(made)
    raise CannotOpen(_text(error) or "GStreamer does not understand it", wrong=True)


def complaint(bus: Any, timeout: float = 0) -> str | None:
    """The first error that the pipeline told of."""
    message = library().gst_bus_timed_pop_filtered(bus, round(timeout * 1e9), ERROR)
    if not message:
        return None
    error = POINTER(_Error)()
    library().gst_message_parse_error(message, byref(error), None)
    library().gst_mini_object_unref(message)
    return _text(error)


def pulled(sink: Any, timeout: float) -> Sample | None:
    """The newest picture; None when none came in time, or the pipeline is at its end."""
    sample = app_library().gst_app_sink_try_pull_sample(sink, round(timeout * 1e9))
    if not sample:
        return None
    try:
        return _copied(sample)
    finally:
        library().gst_mini_object_unref(sample)


def _copied(sample: Any) -> Sample | None:
    gst, mapped = library(), _Map()
    buffer = gst.gst_sample_get_buffer(sample)
    structure = gst.gst_caps_get_structure(gst.gst_sample_get_caps(sample), 0)
    width, height = (_number(structure, name) for name in (b"width", b"height"))
    if not gst.gst_buffer_map(buffer, byref(mapped), _READ):
        return None
    try:
        content = ctypes.string_at(mapped.data, mapped.size)
    finally:
        gst.gst_buffer_unmap(buffer, byref(mapped))
    flags = ctypes.cast(buffer, POINTER(_MiniObject)).contents.flags
    pts = ctypes.cast(buffer, POINTER(_Buffer)).contents.pts
    return Sample(content, width, height, pts, bool(flags & CORRUPTED))


def _number(structure: Any, name: bytes) -> int:
    value = c_int()
    library().gst_structure_get_int(structure, name, byref(value))
    return value.value


def _text(error: Any) -> str | None:
    message = error.contents.message if error else None
    return message.decode(errors="replace").strip() if message else None


def _loaded(name: str) -> Any:
    found = ctypes.util.find_library(name)
    try:
        return ctypes.CDLL(found or f"lib{name}.so.0")
    except OSError as error:
        raise CannotOpen(f"GStreamer is not installed: {INSTALL}", wrong=True) from error
