"""Simulated anomalies: masks, blending, foreground, rules and presets."""

import numpy as np
import pytest

from slsg_edge.config import read_toml, settings_from_table
from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.stages.settings import settings_of_run
from slsg_edge.synthesis.anomalies import AnomalySimulator
from slsg_edge.synthesis.foreground import foreground_mask
from slsg_edge.synthesis.presets import preset_file
from slsg_edge.synthesis.settings import (
    Blend,
    BoxSettings,
    ForegroundSettings,
    SourceRule,
    StructureSettings,
    SynthesisSettings,
    TextureSettings,
)
from slsg_edge.synthesis.structure import shuffle_cells, swap_edges
from slsg_edge.synthesis.textures import (
    AUGMENTATIONS,
    ProceduralTextures,
    TexturePhotos,
    augment,
    texture_files,
)
from slsg_edge.training.settings import TrainSettings

PRESETS = ["breakfast_box", "juice_bottle", "pushpins", "screw_bag", "splicing_connectors"]


@pytest.fixture
def image():
    picture = np.random.default_rng(1).integers(40, 200, (128, 128, 3), dtype=np.uint8)
    picture[:32] = 0
    return picture


def _draw(settings, image, seed):
    rng = np.random.default_rng(seed)
    return AnomalySimulator(settings, ProceduralTextures()).anomalous(rng, image, image[::-1])


@pytest.mark.parametrize("seed", range(20))
def test_nothing_changes_outside_the_mask_and_the_mask_is_large_enough(image, seed):
    anomalous, mask = _draw(SynthesisSettings(), image, seed)
    assert np.array_equal(anomalous[~mask], image[~mask])
    assert mask.sum() >= 49 * 128**2 / 256**2


def test_the_same_seed_gives_the_same_anomaly(image):
    first, second = (_draw(SynthesisSettings(), image, 7) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


def test_the_share_of_structure_anomalies_is_the_papers():
    assert SynthesisSettings().structure_probability == pytest.approx(0.583, abs=1e-3)


def test_a_full_blend_leaves_the_image_as_it_is(image):
    clear = Blend(0.0, fixed=1.0, fixed_probability=1.0)
    settings = SynthesisSettings(
        structure=StructureSettings(blend=clear), texture=TextureSettings(blend=clear)
    )
    assert np.array_equal(_draw(settings, image, 3)[0], image)


@pytest.mark.parametrize("seed", range(8))
def test_the_foreground_restricts_the_mask(image, seed):
    settings = SynthesisSettings(foreground=ForegroundSettings(background="dark"))
    assert not _draw(settings, image, seed)[1][:30].any()


def test_an_impossible_foreground_is_dropped_rather_than_waited_for(image):
    settings = SynthesisSettings(foreground=ForegroundSettings("dark", threshold=255))
    assert _draw(settings, image, 0)[1].any()


@pytest.mark.parametrize("background", ["dark", "bright", "corners"])
def test_the_foreground_is_the_product(background):
    empty = {"dark": 0, "bright": 255, "corners": 120}[background]
    image = np.full((64, 64, 3), empty, np.uint8)
    image[20:40, 10:50] = 60
    expected = np.zeros((64, 64), bool)
    expected[20:40, 10:50] = True
    found = foreground_mask(image, ForegroundSettings(background, threshold=20))
    assert np.array_equal(found, expected)


def test_an_extra_box_is_added_to_the_mask(image):
    box = BoxSettings(1.0, (0.5, 0.75, 0.5, 0.75))
    assert _draw(SynthesisSettings(extra_box=box), image, 0)[1][64:96, 64:96].all()


def test_a_mask_that_can_never_be_large_enough_is_an_error(image):
    with pytest.raises(ConfigError, match="minimum_area"):
        _draw(SynthesisSettings(minimum_area=256**2), image, 0)


def test_shuffled_cells_keep_every_pixel(image):
    shuffled = shuffle_cells(np.random.default_rng(0), image, 4, 8)
    assert not np.array_equal(shuffled, image)
    assert np.array_equal(np.sort(shuffled, None), np.sort(image, None))


def test_only_the_chosen_cells_move(image):
    shuffled = shuffle_cells(np.random.default_rng(3), image, 2, 2, np.array([0, 1, 2]))
    assert np.array_equal(shuffled[64:, 64:], image[64:, 64:])
    assert not np.array_equal(shuffled, image)


def test_edges_are_swapped_for_the_middle(image):
    swapped = swap_edges(image)
    assert np.array_equal(swapped[:32], image[32:64])
    assert np.array_equal(swapped[96:], image[64:96])


@pytest.mark.parametrize("index", range(len(AUGMENTATIONS)))
def test_every_augmentation_gives_an_image(image, index):
    changed = AUGMENTATIONS[index](np.random.default_rng(1), image)
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8


def test_augmentations_change_a_texture(image):
    assert not np.array_equal(augment(np.random.default_rng(0), image, 3), image)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_read_and_used(image, name):
    table = read_toml(preset_file(name))
    settings = settings_from_table(TrainSettings, table, name).synthesis
    assert settings != SynthesisSettings()
    for seed in range(5):
        assert _draw(settings, image, seed)[1].any()


@pytest.mark.parametrize(("name", "maximum"), [("breakfast_box", 0.7), ("pushpins", 0.4)])
def test_presets_blend_textures_as_they_say(name, maximum):
    found = settings_of_run(None, [preset_file(name)], {})
    blend = found.synthesis.texture.blend
    assert (blend.maximum, blend.fixed_probability) == (maximum, 0.0)


def test_presets_are_all_tested():
    found = {path.stem for path in preset_file("juice_bottle").parent.glob("*.toml")}
    assert found == set(PRESETS)


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigError, match="juice_bottle"):
        preset_file("juice_botle")


def test_no_source_rule_is_an_error():
    with pytest.raises(ConfigError, match="sources"):
        SynthesisSettings(structure=StructureSettings(sources=()))


def test_another_image_can_be_the_source(image):
    rule = SourceRule(image="other", flip="none", shuffle=(1, 1))
    structure = StructureSettings(sources=(rule,), blend=Blend(0.0), jitter=0, blur=0)
    settings = SynthesisSettings(structure_probability=1.0, structure=structure)
    anomalous, mask = _draw(settings, image, 0)
    assert np.array_equal(anomalous[mask], image[::-1][mask])


def test_a_folder_without_textures_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match="No texture image"):
        texture_files(tmp_path)


def test_photos_are_drawn_at_the_size_that_is_asked_for():
    photos = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    drawn = TexturePhotos(photos).draw(np.random.default_rng(1), 48, 64)
    assert drawn.shape == (48, 64, 3)
