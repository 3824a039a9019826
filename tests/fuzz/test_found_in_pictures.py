"""Pictures that fuzzing and reading found: each was taken for another, or never ended."""

import os
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from fuzz.target import at_most

from slsg_edge.images import ImageError, encode_image, header_of, peak_of, png, read_image
from slsg_edge.images.tiff import pages_of
from slsg_edge.images.whole import check_whole
from slsg_edge.line.sources.captures import CannotOpen
from slsg_edge.line.sources.h264 import FrameNumbers
from slsg_edge.line.sources.jpeg import damage_of
from slsg_edge.line.sources.snapshots import _picture

pytest.importorskip("cv2", reason="pictures need OpenCV")


def tiff(entries, data=b"\x80" * 512):
    """A grey TIFF of 16 x 8; entries: tag, type, count and value, which replace or join its own."""
    own = [(256, 3, 1, 16), (257, 3, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
           (273, 4, 1, None), (278, 3, 1, 8), (279, 4, 1, 128)]  # fmt: skip
    replaced = {entry[0] for entry in entries}
    whole = sorted([entry for entry in own if entry[0] not in replaced] + entries,
                   key=lambda entry: entry[0])  # fmt: skip
    behind = 8 + 2 + 12 * len(whole) + 4
    packed = [
        struct.pack("<HHII", tag, kind, count, behind if value is None else value)
        for tag, kind, count, value in whole
    ]
    head = b"II*\0" + struct.pack("<IH", 8, len(whole))
    return head + b"".join(packed) + bytes(4) + data


def read(content, tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    with at_most(20):
        return read_image(path)


def test_the_size_of_a_tiff_is_the_one_that_is_decoded(tmp_path):
    """Given twice, the first counts for the decoder."""
    lying = tiff([(256, 3, 1, 32), (256, 3, 1, 16), (279, 4, 1, 256)])
    assert header_of(lying).width == 32
    assert read(lying, tmp_path, ".tiff").shape == (8, 32, 3)


def test_tables_of_a_tiff_that_are_no_bytes(tmp_path):
    with pytest.raises(ImageError):
        read(tiff([(259, 3, 1, 7), (347, 3, 2, 0x01000100)]), tmp_path, ".tiff")


def test_fields_of_a_tiff_that_share_their_numbers_take_no_memory():
    """All kinds of fields that nobody asks for, each with all numbers of the file."""
    entries = [(1000 + tag, 4, 10_000, None) for tag in range(300)]
    content = tiff(entries, bytes(40_000))
    tracemalloc.start()
    try:
        assert header_of(content).pages == 1
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_pages_of_a_tiff_that_lie_over_each_other_are_not_walked_through():
    """Each of 4000 pages has 4000 fields, which are those of the page before but for one."""
    count, cells = 4000, bytearray(12 * 8001 + 6)
    for page in range(count):
        struct.pack_into("<H", cells, 12 * page, count)
        struct.pack_into("<I", cells, 12 * (page + count) + 2, 8 + 12 * (page + 1))
    with at_most(20):
        assert 0 < len(pages_of(b"II*\0" + struct.pack("<I", 8) + bytes(cells))) < 10


def test_strips_of_a_tiff_that_are_the_same_are_unpacked_once():
    data = zlib.compress(bytes(10_000_000))
    many = 20_000
    starts = struct.pack("<I", 0) * many
    content = bytearray(tiff([(259, 3, 1, 8), (273, 4, many, 0), (279, 4, many, 0)], starts * 2))
    begin = len(content)
    at = begin - 8 * many
    content[at : at + 8 * many] = (
        struct.pack("<I", begin) * many + struct.pack("<I", len(data)) * many
    )
    for tag, place in ((273, at), (279, at + 4 * many)):
        entry = content.index(struct.pack("<HHI", tag, 4, many))
        struct.pack_into("<I", content, entry + 8, place)
    with at_most(20):
        assert check_whole(bytes(content) + data) == "damaged: its parts lie over each other"


def test_what_a_tiff_holds_beyond_its_picture_is_not_unpacked():
    from slsg_edge.images import tiff_data

    bomb = zlib.compress(bytes(40_000_000))
    assert tiff_data._deflated(bomb, 128 + tiff_data._SURPLUS) < 4_000_000


def test_what_a_png_holds_beyond_its_rows_is_not_unpacked():
    bomb = memoryview(zlib.compress(bytes(40_000_000)))
    assert png._inflated_size([bomb], 1_000_000) < 4_000_000


def test_a_jpeg_of_thousands_of_scans_is_refused_before_it_is_decoded():
    import cv2

    grey = np.zeros((16, 16), np.uint8)
    whole = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    assert check_whole(whole) is None
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    assert "scans" in check_whole(whole[:-2] + scan * 5000 + b"\xff\xd9")


def test_webp_of_many_chunks():
    chunk = b"VP8 \0\0\0\0"
    body = b"WEBP" + chunk * 40_000
    with at_most(20):
        check_whole(b"RIFF" + struct.pack("<I", len(body)) + body)


def test_jpeg_2000_of_many_parts():
    start = b"\xff\x4f\xff\x51" + bytes(60)
    with at_most(20):
        assert check_whole(start + (b"\xff\x90" + bytes(10)) * 60_000) is not None


def test_the_size_of_a_jpeg_2000_is_not_what_another_box_says(tmp_path):
    whole = encode_image(np.zeros((64, 64, 3), np.uint8), ".jp2")
    picture = whole.index(b"jp2c") - 4
    claim = bytearray(whole[whole.index(b"\xff\x4f\xff\x51") :][:60])
    struct.pack_into(">II", claim, 8, 4, 4)
    box = struct.pack(">I", 8 + len(claim)) + b"free" + bytes(claim)
    lying = whole[:picture] + box + whole[picture:]
    header = header_of(lying)
    assert (header.width, header.height) == (64, 64)
    assert read(lying, tmp_path, ".jp2").shape == (64, 64, 3)


@pytest.mark.parametrize("size", [b"9" * 5000 + b" 1", b"9" * 400 + b" " + b"9" * 400])
def test_sides_of_a_pgm_with_more_digits_than_any_number(tmp_path, size):
    with pytest.raises(ImageError):
        read(b"P5 " + size + b" 255\n\1", tmp_path, ".pgm")


@pytest.mark.skipif(os.name != "posix", reason="needs pipes")
def test_a_pipe_is_no_picture(tmp_path):
    path = tmp_path / "x.png"
    os.mkfifo(path)
    with at_most(20):
        assert peak_of(path) == 0
        with pytest.raises(ImageError, match="no ordinary file"):
            read_image(path)


def test_a_camera_that_sends_a_huge_picture(monkeypatch):
    content = encode_image(np.zeros((20, 20, 3), np.uint8))
    assert _picture(content, 0.0, 0.0).image is not None
    monkeypatch.setenv("SLSG_EDGE_MAX_PIXELS", "100")
    picture = _picture(content, 0.0, 0.0)
    assert picture.image is None
    assert picture.fault.reason == "too_large"


@pytest.mark.parametrize("content", [b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0", b"\xff\xd8\xff\xff"])
def test_a_camera_whose_picture_ends_within_a_marker(content):
    assert damage_of(content) is not None


def test_parameters_of_a_stream_that_are_cut():
    numbers = FrameNumbers(b"\x01\x64\x00\x1f\xff\xe1\x00\x02\x67\x64")
    assert not numbers.gap(b"\0\0\0\x01\x41")


def test_a_parameter_set_of_a_megabyte():
    """Chroma with scaling lists, and then a cycle of offsets that goes on and on."""
    with at_most(20):
        FrameNumbers(b"").gap(b"\0\0\1\x67\x42\0\x1f\xa4" + b"\x08" * 6 + b"\x55" * 1_000_000)


def test_a_film_in_a_coding_that_nobody_knows(tmp_path):
    pytest.importorskip("av")
    from fuzz.image_inputs import _films

    from slsg_edge.line.sources.ffmpeg import open_ffmpeg

    path = tmp_path / "x.avi"
    path.write_bytes(_films()[1].replace(b"MJPG", b"\xf0\xf1\xf2\xf3"))
    with pytest.raises(CannotOpen, match="not known here"):
        open_ffmpeg(str(path))
