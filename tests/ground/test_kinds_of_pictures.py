"""Kinds of pictures that OpenCV does not write: they are read as what people see."""

import io

import numpy as np
import pytest

from slsg_edge.images import ImageError, read_image

PIL = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def shown():
    """A smooth picture that is wider than high, and brighter to the right."""
    ramp = np.tile(np.linspace(20, 230, 96).astype(np.uint8), (64, 1))
    return PIL.fromarray(np.dstack([ramp, ramp, ramp]))


def stored(tmp_path, picture, name, **options):
    path = tmp_path / name
    picture.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("mode", "name"),
    [("CMYK", "a.jpg"), ("CMYK", "a.tif"), ("P", "a.png"), ("P", "a.tif"), ("L", "a.jpg")],
)
def test_colour_models_are_read_as_colour(tmp_path, shown, mode, name):
    picture = shown.convert("L").convert(mode) if mode == "P" else shown.convert(mode)
    image = read_image(stored(tmp_path, picture, name)).astype(int)
    assert image.shape == (64, 96, 3)
    assert np.abs(image.mean(axis=(0, 2)) - np.array(shown).mean(axis=(0, 2))).max() < 30


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
def test_one_bit_is_black_and_white(tmp_path, shown, name):
    image = read_image(stored(tmp_path, shown.convert("1"), name))
    assert set(np.unique(image)) == {0, 255}


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_colours_below_alpha_that_hides_everything_are_inspected(tmp_path, shown, name):
    hidden = shown.copy()
    hidden.putalpha(0)
    options = {"lossless": True, "exact": True} if name == "a.webp" else {}
    image = read_image(stored(tmp_path, hidden, name, **options))
    np.testing.assert_array_equal(image, np.array(shown))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_the_orientation_is_applied_in_every_format(tmp_path, shown, name):
    exif = PIL.Exif()
    exif[0x112] = 6
    image = read_image(stored(tmp_path, shown, name, exif=exif))
    assert image.shape == (96, 64, 3)
    assert image[0].mean() < 60 < 200 < image[-1].mean()


def test_a_progressive_jpeg_with_a_huge_comment_is_whole(tmp_path, shown):
    options = {"progressive": True, "comment": b"x" * 60_000, "icc_profile": bytes(300_000)}
    assert read_image(stored(tmp_path, shown, "a.jpg", **options)).shape == (64, 96, 3)


def test_a_bigtiff_is_read(tmp_path, shown):
    assert read_image(stored(tmp_path, shown, "a.tif", big_tiff=True)).shape == (64, 96, 3)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_a_file_that_is_still_growing_is_not_whole(tmp_path, shown, kind):
    buffer = io.BytesIO()
    shown.save(buffer, kind)
    path = tmp_path / "a.png"
    for share in (0.2, 0.5, 0.8, 0.99):
        path.write_bytes(buffer.getvalue()[: int(share * len(buffer.getvalue()))])
        with pytest.raises(ImageError) as error:
            read_image(path)
        assert error.value.fault.reason == "damaged_frame"
    path.write_bytes(buffer.getvalue())
    assert read_image(path).shape == (64, 96, 3)
