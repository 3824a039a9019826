"""Files with several pictures, too many pixels, another format or numbers of another kind."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from slsg_edge.data.masks import grey_of
from slsg_edge.errors import ConfigError
from slsg_edge.images import LARGEST_VARIABLE, ImageError, encode_image, read_image
from slsg_edge.images.limit import most_pixels

GREY = np.full((30, 40), 100, np.uint8)


def refused(path):
    with pytest.raises(ImageError) as error:
        read_image(path)
    return error.value


@pytest.mark.parametrize("suffix", [".tif", ".webp", ".png"])
def test_a_file_with_several_pictures_is_refused_with_their_count(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(several(suffix))
    error = refused(path)
    assert error.fault.reason == "several_pages"
    assert f"{path} holds 3 pictures" in error.what


def several(suffix):
    frames = [np.full((30, 40, 3), grey, np.uint8) for grey in (10, 100, 200)]
    if suffix == ".tif":
        return cv2.imencodemulti(".tif", frames)[1].tobytes()
    if suffix == ".png":
        return animated_png(3)
    return animated_webp(frames)


def chunk(kind, payload):
    checksum = zlib.crc32(kind + payload)
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", checksum)


def animated_png(count):
    plain = encode_image(GREY, ".png")
    return plain[:33] + chunk(b"acTL", struct.pack(">II", count, 0)) + plain[33:]


def animated_webp(frames):
    """Only the structure, which is what tells the number of pictures."""
    body = b"VP8X" + struct.pack("<I", 10) + bytes([2, 0, 0, 0, 39, 0, 0, 29, 0, 0])
    for frame in frames:
        picture = encode_image(frame, ".webp")[12:]
        payload = bytes(6) + bytes([39, 0, 0, 29, 0, 0, 40, 0, 0, 0]) + picture
        body += b"ANMF" + struct.pack("<I", len(payload)) + payload
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def test_several_netpbm_pictures_in_one_file_are_refused(tmp_path):
    one = cv2.imencode(".pgm", GREY)[1].tobytes()
    (tmp_path / "a.pgm").write_bytes(one + one)
    assert refused(tmp_path / "a.pgm").fault.reason == "several_pages"


def test_a_thumbnail_in_a_tiff_is_no_page(tmp_path):
    content = bytearray(cv2.imencodemulti(".tif", [GREY, GREY])[1].tobytes())
    assert content[:4] == b"II*\0"
    (first,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, first)
    (second,) = struct.unpack_from("<I", content, first + 2 + 12 * entries)
    (entries,) = struct.unpack_from("<H", content, second)
    for at in range(second + 2, second + 2 + 12 * entries, 12):
        if struct.unpack_from("<H", content, at)[0] in (254, 256):
            struct.pack_into("<HHII", content, at, 254, 4, 1, 1)  # a picture of less resolution
            break
    (tmp_path / "a.tif").write_bytes(content)
    assert read_image(tmp_path / "a.tif").shape == (30, 40, 3)


def huge_png(width, height):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(30000, 30000), (40000, 40000)])
@pytest.mark.parametrize("read", [read_image, grey_of])
def test_too_many_pixels_are_refused_before_anything_is_decoded(tmp_path, monkeypatch, size, read):
    path = tmp_path / "a.png"
    path.write_bytes(huge_png(*size))
    monkeypatch.setattr("cv2.imdecode", None)
    with pytest.raises(ImageError, match=r"a\.png is \d+x\d+, .* at most 100 million") as error:
        read(path)
    assert error.value.fault.reason == "too_large"
    assert LARGEST_VARIABLE in error.value.fix


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".webp"])
def test_the_environment_sets_the_most_pixels(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encode_image(np.dstack([GREY] * 3), suffix))
    monkeypatch.setenv(LARGEST_VARIABLE, "1200")
    assert read_image(path).shape == (30, 40, 3)
    monkeypatch.setenv(LARGEST_VARIABLE, "1199")
    assert refused(path).fault.reason == "too_large"


@pytest.mark.parametrize("text", ["many", "0", "-5", "1e8", "99999999999"])
def test_a_wrong_number_in_the_environment_is_an_error(monkeypatch, text):
    monkeypatch.setenv(LARGEST_VARIABLE, text)
    with pytest.raises(ConfigError, match=f"{LARGEST_VARIABLE} is '{text}'"):
        most_pixels()


@pytest.mark.parametrize(
    ("kind", "words"), [(np.float32, "32-bit floating"), (np.float64, "64-bit floating")]
)
def test_numbers_of_another_kind_are_named(tmp_path, kind, words):
    cv2.imwrite(str(tmp_path / "a.tif"), GREY.astype(kind))
    error = refused(tmp_path / "a.tif")
    assert words in error.what
    assert "8 or 16 bit" in error.fix


def tiff_of(samples, bits, channels=1, planar=1):
    """60 pixels without compression; `samples` as they stand in the file."""
    fields = {256: 10, 257: 6, 258: bits, 259: 1, 262: 1, 273: 8, 277: channels, 278: 6}
    if channels == 3:  # bits of each channel and the place of each plane, which follow the samples
        fields |= {262: 2}
    fields |= {279: len(samples), 284: planar}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields.items())
    directory = struct.pack("<H", len(fields)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(samples)) + samples + directory


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tiff_of(bytes(90), 12), "samples of 12 bit"),
        (tiff_of(bytes(240), 32), "samples of 32 bit"),
        (tiff_of(bytes(360), 16, 3, planar=2), "16-bit colours in planes"),
    ],
)
def test_samples_that_would_be_scrambled_are_refused(tmp_path, content, words):
    (tmp_path / "a.tif").write_bytes(content)
    assert words in refused(tmp_path / "a.tif").what


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"GIF89a" + bytes(50), "GIF"),
        (b"\0\0\0\x18ftypheic" + bytes(50), "HEIC"),
        (b"\0\0\0\x1cftypavif" + bytes(50), "AVIF"),
    ],
)
def test_another_format_under_a_known_ending_is_named(tmp_path, content, name):
    (tmp_path / "a.jpg").write_bytes(content)
    assert f"inside it is {name}" in refused(tmp_path / "a.jpg").what


def test_a_known_format_under_the_ending_of_another_is_read(tmp_path):
    (tmp_path / "a.png").write_bytes(encode_image(GREY, ".jpg"))
    assert read_image(tmp_path / "a.png").shape == (30, 40, 3)
