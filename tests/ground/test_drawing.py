import numpy as np
import pytest

from slsg_edge.contracts import Image
from slsg_edge.images.drawing import contact_sheet, heat_overlay, outline


def grey(value: int, height: int = 30, width: int = 40) -> Image:
    return np.full((height, width, 3), value, np.uint8)


def test_no_heat_leaves_the_image_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    assert np.array_equal(heat_overlay(image, np.zeros((30, 40), np.float32)), image)


def test_more_heat_covers_more_of_the_image() -> None:
    heat = np.linspace(0, 1, 40, dtype=np.float32)[None].repeat(30, 0)
    change = np.abs(heat_overlay(grey(128), heat, strength=0.9).astype(int) - 128).sum(2)
    assert change[0, 0] == 0
    assert change[0, 20] > change[0, 5] > 0


def test_the_hottest_pixel_is_yellow_and_the_image_shines_through() -> None:
    blue, green, red = heat_overlay(grey(0), np.ones((30, 40), np.float32), strength=0.5)[0, 0]
    assert red > blue
    assert green > blue
    assert 100 < red <= 128


def test_nan_and_values_outside_0_to_1_are_drawn_without_a_warning() -> None:
    heat = np.array([[np.nan, -3.0, 7.0, 1.0]], np.float32)
    drawn = heat_overlay(grey(90, 1, 4), heat)
    assert drawn[0, 0].tolist() == drawn[0, 1].tolist() == [90, 90, 90]
    assert drawn[0, 2].tolist() == drawn[0, 3].tolist()


def test_a_heat_map_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="sizes differ"):
        heat_overlay(grey(0), np.zeros((8, 8), np.float32))


def test_an_outline_surrounds_the_mask_and_covers_nothing_of_it() -> None:
    mask = np.zeros((30, 40), bool)
    mask[10:20, 10:20] = True
    changed = (outline(grey(5), mask, (1, 2, 3)) != 5).any(2)
    assert changed[9, 15]
    assert changed[15, 20]
    assert not changed[mask].any()
    assert not changed[0].any()


def test_an_empty_mask_has_no_outline_and_the_image_is_a_copy() -> None:
    image = grey(7)
    drawn = outline(image, np.zeros((30, 40), bool))
    assert np.array_equal(drawn, image)
    assert not np.shares_memory(drawn, image)


def test_a_sheet_shows_every_image_in_reading_order() -> None:
    sheet = contact_sheet([grey(10), grey(20), grey(30)], columns=2)
    places = [(sheet == value).all(2).nonzero() for value in (10, 20, 30)]
    assert [len(rows) for rows, _ in places] == [1200, 1200, 1200]
    assert places[0][0].max() < places[2][0].min()
    assert places[0][1].max() < places[1][1].min()


def test_captions_take_room_and_long_ones_stay_below_their_own_image() -> None:
    images = [grey(0), grey(0)]
    plain = contact_sheet(images, 2)
    sheet = contact_sheet(images, 2, ["", "a caption that is far too long for the image"])
    assert sheet.shape[0] > plain.shape[0]
    below = sheet[plain.shape[0] - 6 :]
    assert (below[:, :48] == 255).all()
    assert (below < 255).any()


@pytest.mark.parametrize(
    ("images", "columns", "captions"),
    [([], 2, []), ([grey(0)], 0, []), ([grey(0)], 1, ["a", "b"]), ([grey(0), grey(0, 5)], 2, [])],
)
def test_a_sheet_that_cannot_be_laid_out_is_refused(
    images: list[Image], columns: int, captions: list[str]
) -> None:
    with pytest.raises(ValueError, match=r"sheet|captions|sizes"):
        contact_sheet(images, columns, captions)
