"""A picture that did not arrive whole is never inspected, whatever its decoder makes of it."""

import builtins

import cv2
import numpy as np
import pytest

from slsg_edge.line.sources import decoders
from slsg_edge.line.sources.source import open_source

pytest.importorskip("av")

from films import CODECS, SIZE, changed, film, make_film, pictures


def frames_of(path):
    with open_source(path) as source:
        return list(source)


def reasons(frames):
    return [frame.fault.reason if frame.fault else None for frame in frames]


def of_opencv(path):
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    return [image for whole, image in iter(capture.read, (False, None)) if whole]


def wrong(frames, path):
    """Frames that are shown to the detector and are none of the whole film's."""
    whole = {frame.image.tobytes() for frame in frames_of(path)}
    return [f.index for f in frames if f.image is not None and f.image.tobytes() not in whole]


@pytest.mark.parametrize("name", CODECS)
def test_a_whole_film_gives_the_pictures_that_opencv_gives(tmp_path, name):
    path = film(tmp_path, name)
    frames, expected = frames_of(path), of_opencv(path)
    assert reasons(frames) == [None] * 30
    assert all(np.array_equal(f.image, image) for f, image in zip(frames, expected, strict=True))


@pytest.mark.parametrize(("tags", "level"), [("bt709:tv", 1), ("smpte170m:pc", 1)])
def test_colours_are_what_the_film_says(tmp_path, tags, level):
    space, range_ = tags.split(":")
    options = {"crf": "1", "colorspace": space, "color_range": range_}
    path = make_film(tmp_path / "tagged.mkv", "libx264", "yuv444p", options, 3)
    for frame, image in zip(frames_of(path), of_opencv(path), strict=True):
        assert np.abs(frame.image.astype(int) - image).max() < level


def test_an_interlaced_film_has_its_colours(tmp_path):
    options = {"crf": "1", "x264-params": "tff=1:log-level=none"}
    path = make_film(tmp_path / "x.mkv", "libx264", "yuv420p", options, 2)
    shown = frames_of(path)[0].image.astype(int)
    assert np.abs(shown - pictures(1)[0]).mean() < 20  # colours are stored at half the size


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_film_of_a_phone_is_turned_as_it_says(tmp_path, turn):
    import av

    path = tmp_path / "phone.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE // 2, "yuv420p"
        stream.set_display_rotation(turn)
        image = np.ascontiguousarray(pictures(1)[0][: SIZE // 2])
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    (frame,), (expected,) = frames_of(path), of_opencv(path)
    assert np.array_equal(frame.image, expected)


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("cut", [0.4, 0.75])
def test_a_packet_that_came_in_part_is_damaged(tmp_path, name, cut):
    path = film(tmp_path, name)
    damaged = changed(
        path, lambda index, content: content[: int(cut * len(content))] if index == 14 else content
    )
    frames = frames_of(damaged)
    assert "damaged_frame" in reasons(frames)
    assert wrong(frames, path) == []
    assert reasons(frames)[22:] == [None] * len(frames[22:])  # after the next whole keyframe


@pytest.mark.parametrize("name", CODECS)
def test_bytes_that_are_zeroed_are_damage(tmp_path, name):
    path = film(tmp_path, name)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    damaged = path.with_name(f"zeroed_{name}")
    damaged.write_bytes(content)
    if name == "mjpeg.avi":
        pytest.importorskip("simplejpeg", reason="zeros in a JPEG are found by its strict decoder")
    frames = frames_of(damaged)
    assert "damaged_frame" in reasons(frames)
    assert wrong(frames, path) == []


def test_a_picture_that_others_refer_to_and_that_never_came_is_damage(tmp_path):
    path = film(tmp_path, "h264.mkv")
    frames = frames_of(changed(path, lambda index, content: None if index == 13 else content))
    assert "damaged_frame" in reasons(frames)
    assert wrong(frames, path) == []
    assert reasons(frames)[-10:] == [None] * 10


def test_before_the_first_keyframe_nothing_is_whole(tmp_path):
    path = film(tmp_path, "h264.mkv")
    frames = frames_of(changed(path, lambda index, content: None if index == 0 else content))
    assert wrong(frames, path) == []
    assert reasons(frames)[-20:] == [None] * 20


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.95])
def test_a_part_of_a_picture_between_whole_ones_is_damaged(tmp_path, cut):
    good, bad = (cv2.imencode(".jpg", image)[1].tobytes() for image in pictures(2))
    path = tmp_path / "x.mjpeg"
    path.write_bytes(good + good + bad[: int(cut * len(bad))] + good + good)
    frames = frames_of(path)
    assert reasons(frames)[:3] == [None, None, "damaged_frame"]
    assert reasons(frames)[-1] is None
    shown = [frame.image for frame in frames if frame.image is not None]
    assert all(np.array_equal(image, shown[0]) for image in shown)


def test_a_picture_that_begins_within_another_is_damaged(tmp_path):
    good = cv2.imencode(".jpg", pictures(1)[0])[1].tobytes()
    path = tmp_path / "x.mjpeg"
    path.write_bytes(good + good[:200] + good + good)
    assert set(reasons(frames_of(path))) == {None, "damaged_frame"}


def test_a_coding_that_holds_no_checks_is_told(tmp_path, capsys):
    path = make_film(tmp_path / "x.webm", "libvpx", "yuv420p", {"deadline": "realtime"}, 3)
    assert reasons(frames_of(path)) == [None] * 3
    assert "warning: vp8 makes some picture of any bytes" in capsys.readouterr().err


def test_without_pyav_it_is_said_what_cannot_be_seen(tmp_path, monkeypatch, capsys):
    path = film(tmp_path, "h264.mkv")
    monkeypatch.setattr(decoders, "find_spec", lambda name: None)
    imported = builtins.__import__

    def without(name, *rest, **named):
        assert name != "av"
        return imported(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    assert reasons(frames_of(path)) == [None] * 30
    assert "pip install 'slsg-edge[line]'" in capsys.readouterr().err
