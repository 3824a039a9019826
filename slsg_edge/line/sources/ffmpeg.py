"""FFmpeg's capture through PyAV, which tells what a decoder would else paint over.

Damage is what the transport lost, what the decoder refused, conceals or complains of, a JPEG
picture whose bytes are not whole, and a picture that others refer to and that never came.
"""

import logging
import os
import re
import time
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from slsg_edge.contracts import Fault, Image
from slsg_edge.line.sources.ages import ArrivalClock, StreamClock
from slsg_edge.line.sources.captures import CannotOpen, Deadlines, Picture
from slsg_edge.line.sources.h264 import FrameNumbers
from slsg_edge.line.sources.jpeg import damage_of
from slsg_edge.line.sources.trust import Trust
from slsg_edge.line.sources.units import CODED_IN_UNITS, is_overwritten, length_size

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

Said: TypeAlias = list[tuple[int, str, str]]  # complaints: level, who complains, text
# FFmpeg's decoders give up at errors, where by default they paint over them.
_STRICT = {"err_detect": "crccheck+bitstream+buffer+explode", "flags": "output_corrupt"}
# A stream is looked at only so long before its first picture: the decoder learns the rest.
_QUICK = {
    "analyzeduration": "100000",  # microseconds
    "probesize": "65536",
    "rtsp_transport": "tcp",
    "reorder_queue_size": "2",  # so that a gap in the numbers of packets is noticed over TCP too
    "max_delay": "100000",
    "allowed_media_types": "video",  # what is lost of the sound is no damage
}
# Warnings that mean that something is missing; of most others nothing is to be seen.
_LOSS = re.compile(r"miss|drop|max delay|corrupt|conceal|damage|overread|truncat|cseq|gap", re.I)
_NO_STAMPS = 0x0080  # AVFMT_NOTIMESTAMPS
_MJPEG = "mjpeg"
# Errors by their names in av.error.
_WRONG = ("HTTPClientError", "ProtocolNotFoundError")
_REFUSED = ("HTTPUnauthorizedError", "HTTPForbiddenError")


def open_ffmpeg(
    address: str, deadlines: Deadlines | None = None, *, live: bool = False
) -> "FfmpegCapture":
    """CannotOpen when there is no video; `live` looks at it as shortly as may be."""
    import av

    _listen()
    options = _QUICK | _of_environment() if live else {}
    timeout = (deadlines.open, deadlines.read) if deadlines else None
    with av.logging.Capture():
        try:
            container = av.open(address, options=options, timeout=timeout)
        except (av.FFmpegError, OSError, ValueError) as error:
            wrong, refused = _is(error, _WRONG), _is(error, _REFUSED)
            raise CannotOpen(_said(error), wrong=wrong, refused=refused) from error
    if not container.streams.video:
        container.close()
        raise CannotOpen("it holds no video", wrong=True)
    if container.streams.video[0].codec_context is None:
        container.close()
        raise CannotOpen("its video is coded in a way that is not known here", wrong=True)
    return FfmpegCapture(container, container.streams.video[0], live=live)


@cache
def _listen() -> None:
    """FFmpeg's complaints come here, and none of them to stderr: they hold addresses."""
    import av

    av.logging.set_level(av.logging.WARNING)
    av.logging.set_skip_repeated(False)
    logging.getLogger("libav").setLevel(logging.CRITICAL + 1)


def _of_environment() -> dict[str, str]:
    """Options as OpenCV takes them: `rtsp_transport;udp|max_delay;500000`."""
    pairs = os.environ.get("OPENCV_FFMPEG_CAPTURE_OPTIONS", "").split("|")
    return {key: value for key, _, value in (pair.partition(";") for pair in pairs) if value}


def _is(error: Exception, names: tuple[str, ...]) -> bool:
    import av

    return isinstance(error, tuple(getattr(av.error, name) for name in names))


def _said(error: Exception) -> str:
    import av

    if isinstance(error, av.error.ExitError):
        return "no answer in time"
    return getattr(error, "strerror", None) or type(error).__name__


class FfmpegCapture:
    """Pictures in the order they are shown; where a packet gives none there is a fault."""

    def __init__(self, container: "InputContainer", stream: "VideoStream", *, live: bool) -> None:
        self._container, self._stream, self._live = container, stream, live
        decoder = stream.codec_context
        decoder.options = _STRICT
        decoder.thread_count = 1  # what a decoder's own threads complain of cannot be heard
        self._codec, extradata = decoder.name, decoder.extradata or b""
        in_units = self._codec in CODED_IN_UNITS
        self._length = length_size(self._codec, extradata) if in_units else 0
        self._numbers = FrameNumbers(extradata) if self._codec == "h264" else None
        self._trust = Trust(lasting=live and self._codec != _MJPEG)
        self._packets: Iterator[Packet[VideoStream]] | None = container.demux(stream)
        self._ready: deque[Picture] = deque()
        self._has_stamps = live and not container.format.flags & _NO_STAMPS
        self._clock, self._arrivals = StreamClock(), ArrivalClock()
        self._waited = 0.0
        self._coded = False  # whether a picture came that says only what changed

    @property
    def frame_count(self) -> int:
        """Of a container that does not say, what its length comes to."""
        stream, container = self._stream, self._container
        if stream.frames or not container.duration or not stream.average_rate:
            return stream.frames
        return int(container.duration * stream.average_rate / 1_000_000)

    @property
    def codec(self) -> str:
        return self._codec

    def read(self) -> Picture | None:
        while not self._ready:
            if self._packets is None:
                return None
            self._advance()
        return self._ready.popleft()

    def close(self) -> None:
        self._container.close()

    def _advance(self) -> None:
        """One packet, or the end of the stream and what the decoder still holds."""
        import av

        packet: Packet[VideoStream] | None
        asked = time.monotonic()
        with av.logging.Capture() as said:
            try:
                packet = next(self._packets, None) if self._packets else None
            except (av.FFmpegError, OSError):  # lost, or a deadline that passed
                packet = None
        arrived = time.monotonic()
        self._waited = arrived - asked
        if packet is None or not packet.size:
            self._packets = None
        if packet is not None:
            self._decode(packet, _loss(said), arrived)

    def _decode(self, packet: "Packet[VideoStream]", lost: str | None, arrived: float) -> None:
        import av

        before = lost or self._damage_before(packet)
        if before:
            self._trust.damage(before)
        frames: list[VideoFrame] = []
        with av.logging.Capture() as said:
            try:
                frames = self._stream.codec_context.decode(packet)
            except (av.FFmpegError, OSError) as error:
                if not isinstance(error, av.error.EOFError):
                    said.append((av.logging.ERROR, "", _said(error)))
        failed = self._damage_in(packet, frames, said)
        if failed:
            self._trust.damage(failed)
        elif not before and packet.is_keyframe and packet.size:
            self._trust.keyframe(packet.pts)
        self._coded = self._coded or (packet.size > 0 and not packet.is_keyframe)
        taken = self._taken_at(packet.pts, packet.time_base, arrived)
        self._ready += [self._picture(frame, taken, packet.pts) for frame in frames]
        if failed and not frames:
            self._ready.append(self._stamped(None, taken, failed))

    def _damage_before(self, packet: "Packet[VideoStream]") -> str | None:
        """What is wrong before the decoder sees it."""
        if packet.is_corrupt:
            return "a part of the stream did not arrive"
        if self._codec in CODED_IN_UNITS and is_overwritten(bytes(packet), self._length):
            return "a part of the picture is overwritten"
        if self._numbers and packet.size and self._numbers.gap(bytes(packet)):
            return "a picture before this one did not arrive"
        return None

    def _damage_in(
        self,
        packet: "Packet[VideoStream]",
        frames: "list[VideoFrame]",
        said: Said,
    ) -> str | None:
        if self._codec == _MJPEG and packet.size and (damage := damage_of(bytes(packet))):
            return damage
        if any(frame.is_corrupt for frame in frames):
            return "the decoder calls the picture corrupt"
        return _complaint(said)

    def _picture(self, frame: "VideoFrame", taken: float, stamp: int | None) -> Picture:
        doubt = self._trust.doubt(frame.pts, keyframe=frame.key_frame)
        if frame.pts is not None and stamp is not None and frame.time_base is not None:
            taken += float((frame.pts - stamp) * Fraction(frame.time_base))
        image = None if doubt else _bgr(frame)
        return self._stamped(image, taken, doubt, whole=frame.key_frame)

    def _stamped(
        self, image: Image | None, taken: float, doubt: str | None, *, whole: bool = False
    ) -> Picture:
        now = time.monotonic()
        taken = min(taken, now)
        fault = Fault("damaged_frame", doubt) if doubt else None
        at = time.time() - (now - taken)
        return Picture(image, at, taken, fault, self._waited, whole, self._coded)

    def _taken_at(self, stamp: int | None, base: "Fraction | None", arrived: float) -> float:
        if not self._live:
            return arrived
        if self._has_stamps and stamp is not None and base is not None:
            return self._clock.taken_at(float(stamp * base), arrived)
        return self._arrivals.taken_at(arrived)


def _bgr(frame: "VideoFrame") -> Image:
    """As OpenCV converts it, bit for bit, turned as the film says."""
    array: Any = frame.to_ndarray(format="bgr24", interpolation="BICUBIC", threads=1)
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(array, turns) if turns else array, dtype=np.uint8)


def _loss(said: Said) -> str | None:
    """What a demuxer said of parts that did not arrive."""
    import av

    for level, _, text in said:
        if level <= av.logging.ERROR or _LOSS.search(text):
            return f"a part of the stream did not arrive: {_shown(text)}"
    return None


def _complaint(said: Said) -> str | None:
    import av

    for level, _, text in said:
        if level <= av.logging.ERROR or _LOSS.search(text):
            return f"the decoder complains: {_shown(text)}"
    return None


def _shown(text: str) -> str:
    """Without numbers, so that the same complaint is the same sentence."""
    return re.sub(r"\s+", " ", re.sub(r"-?\b[0-9A-Fx]*\d[0-9A-Fa-f]*\b", "#", text)).strip()
