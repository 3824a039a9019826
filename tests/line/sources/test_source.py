import functools
import http.server
import threading
import time

import cv2
import numpy as np
import pytest

from slsg_edge.contracts import Frame
from slsg_edge.errors import CameraError, ConfigError, DatasetError
from slsg_edge.line.sources import ffmpeg, files
from slsg_edge.line.sources.captures import Deadlines
from slsg_edge.line.sources.decoders import decoder_reports_damage
from slsg_edge.line.sources.ffmpeg import FfmpegCapture
from slsg_edge.line.sources.live import LiveOptions
from slsg_edge.line.sources.opencv import OpenCvCapture
from slsg_edge.line.sources.source import open_source

QUICK = LiveOptions(deadlines=Deadlines(open=1, read=1))


def test_a_folder_gives_its_images_sorted_and_goes_on_after_a_broken_one(parts):
    with open_source(str(parts)) as source:
        frames = list(source)
    assert [frame.origin for frame in frames] == [
        str(parts / name) for name in ("a.png", "b/a.png", "c.png", "d.png")
    ]
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert frames[2].image.mean() == 220
    assert frames[3].image is None
    assert "d.png is truncated" in frames[3].fault.detail
    assert (source.live, source.dropped) == (False, 0)


def test_one_image_is_a_source(parts):
    with open_source(str(parts / "c.png")) as source:
        (frame,) = source
    assert frame.image.shape == (48, 64, 3)
    assert frame.captured_at > 1e9


def test_of_a_video_every_frame_counts(make_video):
    with open_source(str(make_video(30))) as source:
        levels = [frame.image.mean() for frame in source]
    assert len(levels) == 30
    assert (np.diff(levels) > 0).all()


def test_a_source_can_be_left_early(make_video):
    with open_source(str(make_video(30))) as source:
        assert next(iter(source)).index == 0


def test_a_video_that_ends_too_early_says_so(tmp_path):
    path = tmp_path / "cut.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    for level in range(40):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with open_source(str(path)) as source:
        frames = list(source)
    assert 5 < len(frames) < 40
    assert frames[-1].image is None
    assert f"ends after {len(frames) - 1} of 40 frames" in frames[-1].fault.detail
    assert all(frame.image is not None for frame in frames[:-2])
    if decoder_reports_damage():
        assert frames[-2].fault.reason == "damaged_frame"  # the one that was cut


def test_files_go_on_after_whatever_reading_one_raises(parts, monkeypatch):
    read = files.read_image

    def failing(path, depth=None):
        if path.name == "c.png":
            raise MemoryError("too large")
        return read(path, depth)

    monkeypatch.setattr(files, "read_image", failing)
    with open_source(str(parts)) as source:
        faults = [frame.fault and frame.fault.detail for frame in source]
    assert faults[:3] == [None, None, "MemoryError: too large"]
    assert len(faults) == 4


def test_a_video_whose_decoder_raises_ends_with_a_fault(make_video, monkeypatch):
    kind = FfmpegCapture if decoder_reports_damage() else OpenCvCapture
    read, pictures = kind.read, []

    def failing(capture):
        pictures.append(read(capture))
        if len(pictures) == 4:
            raise MemoryError("too large")
        return pictures[-1]

    monkeypatch.setattr(kind, "read", failing)
    with open_source(str(make_video(30))) as source:
        faults = [frame.fault and frame.fault.detail for frame in source]
    assert faults == [None] * 3 + ["the video cannot be read on: MemoryError: too large"]


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"There is no .*absent"):
        open_source(str(tmp_path / "absent"))


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(DatasetError, match="holds no images"):
        open_source(str(tmp_path))


def test_a_file_of_another_kind_is_refused_with_the_known_endings(parts):
    with pytest.raises(DatasetError, match=r"notes\.txt is neither.*\.mp4"):
        open_source(str(parts / "notes.txt"))


@pytest.mark.parametrize("content", [b"", b"no video", None])
def test_a_broken_video_is_refused(tmp_path, make_video, content):
    path = make_video(30)
    path.write_bytes(path.read_bytes()[:500] if content is None else content)
    with pytest.raises(DatasetError, match=r"parts\.mp4 is not a video"):
        open_source(str(path))


@pytest.mark.parametrize("text", ["97", "/dev/video97"])
def test_a_camera_that_is_not_there_is_refused(text):
    with pytest.raises(CameraError, match="/dev/video97"):
        open_source(text)


def test_a_device_that_is_no_camera_is_refused():
    with pytest.raises(CameraError, match="/dev/null gives no video"):
        open_source("/dev/null")


def test_an_unknown_kind_of_url_is_refused():
    with pytest.raises(ConfigError, match=r"'rstp'.*Did you mean 'rtsp'"):
        open_source("rstp://camera/1")


def test_a_stream_that_is_off_is_waited_for_without_its_password(camera, capfd):
    camera.stop()
    with open_source(camera.url, QUICK) as source:
        frame = next(iter(source))
    assert frame.fault.reason == "no_frame"
    assert "cannot be reached: Connection refused" in frame.fault.detail
    assert "secret" not in frame.fault.detail + frame.origin
    assert "".join(capfd.readouterr()) == ""  # neither OpenCV nor FFmpeg says a word


def test_of_a_video_on_a_web_server_every_frame_counts(make_video):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """The test's output stays clean."""

    path = make_video(30)
    handler = functools.partial(Quiet, directory=str(path.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with open_source(f"http://127.0.0.1:{server.server_port}/{path.name}", QUICK) as source:
            assert not source.live
            assert len(list(source)) == 30
        server.shutdown()


def test_a_disk_that_does_not_answer_is_told_and_ends_at_once(parts):
    go_on = threading.Event()

    def blocked():
        yield Frame(0, "parts", 0.0, 0.0, image=np.zeros((4, 4, 3), np.uint8))
        go_on.wait(60)
        yield Frame(1, "parts", 0.0, 0.0, image=np.zeros((4, 4, 3), np.uint8))

    with files.FileSource(blocked(), patience=0.05) as source:
        frames = iter(source)
        assert next(frames).fault is None
        late = next(frames)
        assert (late.index, late.fault.reason) == (1, "no_frame")
        assert "the disk does not answer" in late.fault.detail
        started = time.monotonic()
    assert time.monotonic() - started < 30
    go_on.set()


def test_options_of_ffmpeg_are_taken_as_opencv_takes_them(monkeypatch):
    monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;udp|max_delay;500000")
    assert ffmpeg._of_environment() == {"rtsp_transport": "udp", "max_delay": "500000"}


def test_closing_ends_whoever_waits_for_a_file():
    held, ended = threading.Event(), threading.Event()

    def blocked():
        held.wait(60)
        yield Frame(0, "a.png", 0.0, 0.0)

    source = files.FileSource(blocked(), patience=600)

    def run():
        list(source)
        ended.set()

    threading.Thread(target=run, daemon=True).start()
    while source._thread.ident is None:
        time.sleep(0.01)
    source.close()
    assert ended.wait(20)
    held.set()
