"""What a run learns from: read as seldom as can be, and never all in memory."""

import errno
import os
import tracemalloc
from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest

from slsg_edge.data.loading import load_frames
from slsg_edge.errors import DatasetError, StorageError
from slsg_edge.images import encode_image, reading
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.training.frames import store_frames
from slsg_edge.training.material import (
    FRAMES_FILE,
    choose_material,
    fitted_to,
    store_held_out,
    store_material,
)
from slsg_edge.training.settings import TrainSettings

IMAGES = 64
SIZE = Preprocessing(128, 128)


@pytest.fixture
def folder(tmp_path):
    good = tmp_path / "good"
    good.mkdir()
    for index in range(IMAGES):
        picture = np.random.default_rng(index).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        (good / f"{index:02}.png").write_bytes(encode_image(picture))
    return good


@pytest.fixture
def reads(monkeypatch):
    """How often each file was read."""
    counted = Counter()
    read = reading.read_regular

    def counting(path, limit, at_most=None):
        counted[path.name] += at_most is None
        return read(path, limit, at_most)

    monkeypatch.setattr(reading, "read_regular", counting)
    return counted


def test_an_image_is_read_once_for_its_hash_and_once_for_its_pixels(folder, reads, tmp_path):
    material = choose_material(folder, 0.3, textures=None)
    assert choose_material(folder, 0.3, textures=None) == material
    assert set(reads.values()) == {1}
    assert len(reads) == IMAGES
    store_material(material, tmp_path / "run", SIZE)
    assert Counter(reads.values()) == {2: len(material.train), 1: len(material.holdout)}


def test_the_depth_of_8_bit_is_known_without_reading_the_files(folder, reads):
    material = choose_material(folder, 0.3, textures=None)
    settings = TrainSettings(preprocessing=SIZE)
    assert fitted_to(settings, material, print) is settings
    assert set(reads.values()) == {1}


def test_the_depth_of_16_bit_comes_from_all_images_and_is_said(folder):
    held_out = choose_material(folder, 0.3, textures=None).held_out[0]
    cv2.imwrite(str(held_out), np.full((32, 32), 1000, np.uint16))
    material = choose_material(folder, 0.3, textures=None)
    settings, told = TrainSettings(preprocessing=SIZE), []
    assert fitted_to(settings, material, told.append).preprocessing.depth == 10
    assert "16 bit, of which 10" in told[0]
    given = TrainSettings(preprocessing=replace(SIZE, depth=14))
    assert fitted_to(given, material, told.append) is given


def test_the_look_of_each_image_is_kept(folder, tmp_path):
    material, looks = choose_material(folder, 0.3, textures=None), []
    store_material(material, tmp_path / "run", SIZE, looks)
    store_held_out(material, tmp_path / "run", SIZE, looks)
    assert len(looks) == IMAGES
    assert {(look.height, look.width) for look in looks} == {(32, 32)}


def test_a_file_that_has_changed_is_hashed_again(folder):
    before = choose_material(folder, 0.3, textures=None)
    (folder / "00.png").write_bytes((folder / "01.png").read_bytes() + b"more")
    assert choose_material(folder, 0.3, textures=None).fingerprint != before.fingerprint


def test_frames_go_to_their_file_without_being_all_in_memory(folder, tmp_path):
    paths = sorted(folder.iterdir())
    tracemalloc.start()
    try:
        stored = store_frames(tmp_path / FRAMES_FILE, paths, SIZE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < stored.array.nbytes / 2
    np.testing.assert_array_equal(stored.array, load_frames(paths, SIZE))


def test_an_image_that_cannot_be_read_leaves_no_half_a_file(folder, tmp_path):
    (folder / "07.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"07\.png is empty"):
        store_frames(tmp_path / "run" / FRAMES_FILE, sorted(folder.iterdir()), SIZE)
    assert not list((tmp_path / "run").iterdir())


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="no space is reserved here")
def test_a_full_disk_is_an_error_before_anything_is_decoded(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    steps = []
    with pytest.raises(StorageError, match="disk is full"):
        store_frames(
            tmp_path / "run" / FRAMES_FILE, sorted(folder.iterdir()), SIZE, lambda: steps.append(1)
        )
    assert not steps
    assert not list((tmp_path / "run").iterdir())
