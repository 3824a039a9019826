import hashlib
import struct

import cv2
import numpy as np
import pytest

from slsg_edge.data.survey.facts import Unreadable, facts_of
from slsg_edge.images import encode_image, read_image


def test_size_brightness_and_content(files):
    files.write("a.png", np.full((20, 30, 3), 100, np.uint8))
    path = files.folder / "a.png"
    facts = facts_of(path)
    assert (facts.width, facts.height, facts.size, facts.mode) == (30, 20, "30x20", "colour")
    assert (facts.brightness, facts.contrast, facts.sharpness) == (100, 0, 0)
    assert facts.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (facts.thumbnail == 100).all()


@pytest.mark.parametrize(
    ("shape", "kind", "mode"),
    [
        ((8, 9), np.uint8, "grey"),
        ((8, 9, 3), np.uint8, "colour"),
        ((8, 9, 4), np.uint8, "alpha"),
        ((8, 9), np.uint16, "grey 16 bit"),
        ((8, 9, 3), np.uint16, "colour 16 bit"),
        ((8, 9, 4), np.uint16, "alpha 16 bit"),
    ],
)
def test_the_mode_is_that_of_the_file(files, shape, kind, mode):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, shape, dtype=kind)
    files.write("a.png", pixels)
    facts = facts_of(files.folder / "a.png")
    assert (facts.mode, facts.size) == (mode, "9x8")


def test_a_webp_with_alpha(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (20, 20, 4), dtype=np.uint8)
    path = tmp_path / "a.webp"
    path.write_bytes(encode_image(pixels, ".webp"))
    whole = path.read_bytes()
    expected = "alpha" if whole[12:16] == b"VP8X" else "colour"
    assert facts_of(path).mode == expected


def test_a_16_bit_image_is_as_bright_as_it_is_read(files):
    deep = np.random.default_rng(0).integers(0, 65535, (20, 20, 3), dtype=np.uint16)
    files.write("deep.png", deep)
    path = files.folder / "deep.png"
    grey = cv2.cvtColor(read_image(path), cv2.COLOR_BGR2GRAY)
    assert facts_of(path).brightness == pytest.approx(grey.mean(), abs=1)


def test_a_blurred_image_is_less_sharp(files):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    files.write("sharp.png", noise)
    files.write("blurred.png", cv2.GaussianBlur(noise, (0, 0), 2))
    sharp, blurred = (facts_of(files.folder / f"{name}.png") for name in ("sharp", "blurred"))
    assert sharp.sharpness > 10 * blurred.sharpness


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n cut short"])
def test_what_is_no_image_says_why(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    found = facts_of(tmp_path / "a.png")
    assert isinstance(found, Unreadable)
    assert "a.png" in found.reason


def test_a_picture_taken_upright_has_the_size_that_it_is_read_with(tmp_path):
    picture = encode_image(np.full((20, 30, 3), 90, np.uint8), ".jpg")
    entry = struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)  # one tag: turned by 90 degrees
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8) + entry
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    path = tmp_path / "upright.jpg"
    path.write_bytes(picture[:2] + segment + picture[2:])
    facts = facts_of(path)
    assert (facts.height, facts.width) == read_image(path).shape[:2] == (30, 20)
