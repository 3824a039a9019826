"""A picture that is not whole is refused, and every kind of whole one is taken."""

import functools
import struct
import zlib
from functools import partial

import cv2
import numpy as np
import pytest

from slsg_edge.images import ImageError, check_whole, encode_image, header_of, read_image

pytest.importorskip("simplejpeg")


@functools.cache
def picture(height=300, width=400):
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    return cv2.GaussianBlur(noise, (9, 9), 3)


def encoded(suffix, *options, image=None):
    done, buffer = cv2.imencode(suffix, picture() if image is None else image, list(options))
    assert done
    return buffer.tobytes()


JPEGS = {
    "baseline": (),
    "optimised": (cv2.IMWRITE_JPEG_OPTIMIZE, 1),
    "progressive": (cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "restarts": (cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "full colour": (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
}
COMPRESSIONS = {"none": 1, "lzw": 5, "deflate": 8, "packbits": 32773, "jpeg": 7}


def tiff(name):
    rows = 304 if name == "jpeg" else 16  # JPEG wants a multiple of 8
    options = (cv2.IMWRITE_TIFF_COMPRESSION, COMPRESSIONS[name], cv2.IMWRITE_TIFF_ROWSPERSTRIP)
    return encoded(".tif", *options, rows)


WHOLE = {
    **{f"jpeg {name}": partial(encoded, ".jpg", *options) for name, options in JPEGS.items()},
    **{f"tiff {name}": partial(tiff, name) for name in COMPRESSIONS},
    "jpeg grey": lambda: encoded(".jpg", image=picture()[..., 0]),
    "jpeg plain": lambda: encoded(".jpg", cv2.IMWRITE_JPEG_OPTIMIZE, 1, image=picture() * 0),
    "png": lambda: encoded(".png"),
    "png 16 bit": lambda: encoded(".png", image=picture().astype(np.uint16) * 200),
    "png 1 bit": lambda: encoded(".png", cv2.IMWRITE_PNG_BILEVEL, 1, image=picture()[..., 0]),
    "bmp": lambda: encoded(".bmp"),
    "bmp grey": lambda: encoded(".bmp", image=picture()[..., 0]),
    "jp2": lambda: encoded(".jp2"),
    "pnm colour": lambda: encoded(".ppm"),
    "pnm 16 bit": lambda: encoded(".pgm", image=picture()[..., 0].astype(np.uint16) * 200),
    "pnm in words": lambda: encoded(".pgm", cv2.IMWRITE_PXM_BINARY, 0, image=picture()[..., 0]),
    "pnm bits": lambda: encoded(".pbm", cv2.IMWRITE_PXM_BINARY, 1, image=picture()[..., 0]),
    "webp": lambda: encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 80),
    "webp lossless": lambda: encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 101),
    "webp plain": lambda: encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 80, image=picture() * 0 + 128),
}


@functools.cache
def whole(kind):
    return WHOLE[kind]()


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_picture_is_whole_and_its_header_tells_its_size(kind):
    content = whole(kind)
    assert check_whole(content) is None
    header = header_of(content)
    assert (header.width, header.height, header.pages) == (400, 300, 1)


@pytest.mark.parametrize("kind", [k for k in WHOLE if k.split()[0] in ("jpeg", "png")])
def test_what_follows_the_end_does_not_matter(kind):
    assert check_whole(whole(kind) + bytes(20_000) + b"a film") is None


def zeroed_third(content):
    third = len(content) // 3
    return content[:third] + bytes(third) + content[2 * third :]


def zeroed_tail(content):
    return content[: len(content) // 2] + bytes(len(content) // 2)


def zeroed_hole(content):
    middle = len(content) // 2
    return content[:middle] + bytes(40) + content[middle + 40 :]


def cut_and_ended(content):
    return content[: len(content) // 2] + b"\xff\xd9"


RAW = ("bmp", "pnm")
ALL_BUT_RAW = [
    kind
    for kind in WHOLE
    if kind.split()[0] not in RAW and "none" not in kind and "plain" not in kind
]


@pytest.mark.parametrize("kind", ALL_BUT_RAW)
@pytest.mark.parametrize("damage", [zeroed_third, zeroed_tail])
def test_zeros_instead_of_a_part_are_found(kind, damage):
    assert check_whole(damage(whole(kind))) is not None


@pytest.mark.parametrize("kind", ["jpeg baseline", "jpeg grey", "tiff lzw", "tiff deflate", "png"])
def test_a_small_hole_is_found(kind):
    assert check_whole(zeroed_hole(whole(kind))).startswith("damaged: ")


@pytest.mark.parametrize("kind", [kind for kind in WHOLE if kind.startswith("jpeg")])
def test_a_jpeg_that_was_cut_and_given_an_end_is_found(kind):
    assert "Corrupt JPEG data" in check_whole(cut_and_ended(whole(kind)))


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_cut_file_is_truncated(kind, share):
    content = whole(kind)
    assert check_whole(content[: int(len(content) * share)]) is not None


def chunk(kind, payload):
    checksum = zlib.crc32(kind + payload)
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", checksum)


def png_of(*pieces):
    header = struct.pack(">IIBBBBB", 400, 300, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *(chunk(b"IDAT", piece) for piece in pieces)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def test_a_png_that_was_cut_between_two_chunks_and_given_an_end_is_found():
    grey = picture()[..., 0]
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in grey))
    pieces = [rows[at : at + 8192] for at in range(0, len(rows), 8192)]
    assert check_whole(png_of(*pieces)) is None
    assert check_whole(png_of(*pieces[:-1])) == "damaged: rows are missing"
    assert check_whole(png_of()) == "damaged: rows are missing"


def test_a_wrong_checksum_of_a_png_is_found():
    content = bytearray(encoded(".png"))
    content[len(content) // 2] ^= 1
    assert check_whole(bytes(content)) == "damaged: a checksum does not match (in IDAT)"


def test_a_quantisation_table_of_zeros_is_found():
    content = bytearray(encoded(".jpg"))
    table = content.index(b"\xff\xdb") + 5
    content[table + 20 : table + 40] = bytes(20)
    assert "quantisation" in check_whole(bytes(content))


@pytest.mark.parametrize("padding", [1, 7])
def test_a_few_zeros_before_the_end_are_padding_of_a_camera(padding):
    content = encoded(".jpg")
    assert check_whole(content[:-2] + bytes(padding) + content[-2:]) is None
    assert check_whole(content[:-2] + bytes(20) + content[-2:]) is not None


def test_a_thumbnail_and_other_comments_do_not_matter():
    content = encoded(".jpg")
    thumbnail = b"Exif\0\0" + encoded(".jpg", image=picture(40, 40))
    note = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    assert check_whole(content[:2] + note + content[2:]) is None
    assert header_of(content[:2] + note + content[2:]).width == 400
    assert check_whole(content[:2] + note + content[2 : len(content) // 2]) is not None


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_reading_names_the_file_and_says_damaged_and_stderr_stays_empty(tmp_path, capfd, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(zeroed_third(encode_image(picture(), suffix)))
    with pytest.raises(ImageError, match=rf"a\{suffix} is damaged: .*Replace it") as error:
        read_image(path)
    assert error.value.fault.reason == "damaged_frame"
    assert capfd.readouterr().err == ""


def test_every_cut_and_any_byte_gives_an_answer():
    for kind in ("tiff lzw", "webp", "png", "jpeg baseline", "bmp"):
        content = whole(kind)
        for at in range(0, 200, 3):
            check_whole(content[:at])
            header_of(content[:at])
            wrong = content[:at] + b"\xff" + content[at + 1 :]
            check_whole(wrong[:3000])
            header_of(wrong)


def test_a_damaged_header_of_a_jpeg_is_found_and_nothing_is_printed(tmp_path, capfd):
    content = encoded(".jpg")
    for marker in (b"\xff\xdb", b"\xff\xc4"):
        wrong = bytearray(content)
        wrong[content.index(marker) + 1] ^= 1
        (tmp_path / "a.jpg").write_bytes(wrong)
        with pytest.raises(ImageError) as error:
            read_image(tmp_path / "a.jpg")
        assert error.value.fault.reason == "damaged_frame"
    assert capfd.readouterr().err == ""
