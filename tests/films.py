"""Films that are coded here, whole and with packets that a test changes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np

SIZE = 320
CODECS = {
    "ffv1.mkv": ("ffv1", "yuv420p", {"slicecrc": "1", "level": "3"}),
    "h264.mkv": ("libx264", "yuv420p", {"tune": "zerolatency", "crf": "12"}),
    "h264_b.mp4": ("libx264", "yuv420p", {"bf": "2", "crf": "12"}),
    "mjpeg.avi": ("mjpeg", "yuvj420p", {}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {}),
}
Change = Callable[[int, bytes], bytes | None]


def pictures(count: int) -> list[np.ndarray]:
    """A part with texture that moves a little."""
    texture = np.random.default_rng(0).integers(60, 200, (SIZE // 8, SIZE // 8, 3), np.uint8)
    base = np.kron(texture, np.ones((8, 8, 1), np.uint8))
    return [np.ascontiguousarray(np.roll(base, 3 * index, 1)) for index in range(count)]


def make_film(
    path: Path, codec: str, pixels: str, options: dict[str, str], count: int = 30
) -> Path:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25, options=options)  # of video
        stream.width = stream.height = SIZE
        stream.pix_fmt = pixels
        stream.codec_context.gop_size = 10
        for image in pictures(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return path


def film(folder: Path, name: str, count: int = 30) -> Path:
    codec, pixels, options = CODECS[name]
    return make_film(folder / name, codec, pixels, options, count)


def changed(path: Path, change: Change) -> Path:
    """A copy whose packets are what `change` makes of them; None leaves one out."""
    copy = path.with_name(f"changed_{path.name}")
    with av.open(str(path)) as source, av.open(str(copy), "w") as target:
        stream: Any = source.streams.video[0]
        out = target.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.size]
        for index, packet in enumerate(packets):
            content = change(index, bytes(packet))
            if content is None:
                continue
            made: Any = av.Packet(content)
            made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
            made.is_keyframe, made.stream = packet.is_keyframe, out
            target.mux(made)
    return copy
