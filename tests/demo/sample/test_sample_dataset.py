import json
from pathlib import Path

import numpy as np
import pytest

from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.masks import grey_of
from slsg_edge.demo.sample import dataset
from slsg_edge.demo.sample.dataset import SampleCounts, write_dataset
from slsg_edge.demo.sample.specimen import LOGICAL, STRUCTURAL
from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.images import read_image

COUNTS = SampleCounts(5, 2, 2, 4, 6, size=64)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of seed 0; only looked at."""
    folder = tmp_path_factory.mktemp("sample") / "d"
    write_dataset(folder, COUNTS, 0)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_folders_hold_what_was_asked_for(drawn: Path) -> None:
    samples = read_dataset(drawn)
    assert samples.layout == "loco"
    assert len(samples.of("train")) == 5
    assert len(samples.of("validation")) == 2
    kinds = [sample.kind for sample in samples.of("test")]
    assert [kinds.count(kind) for kind in ("good", STRUCTURAL, LOGICAL)] == [2, 4, 6]


def test_every_defective_image_has_a_mask_of_its_size(drawn: Path) -> None:
    for sample in read_dataset(drawn).of("test", good=False):
        (mask,) = (grey_of(path) for path in sample.masks)
        assert mask.shape == read_image(sample.image).shape[:2] == (64, 64)
        assert mask.any()


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_dataset(tmp_path / name, COUNTS, seed)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert content(tmp_path / "a") != content(tmp_path / "c")


def test_a_larger_data_set_begins_with_the_smaller_one(tmp_path: Path) -> None:
    write_dataset(tmp_path / "small", SampleCounts(2, 1, 1, 1, 1, 64), 0)
    write_dataset(tmp_path / "large", SampleCounts(4, 2, 2, 2, 2, 64), 0)
    large = content(tmp_path / "large")
    small = content(tmp_path / "small")
    assert all(large[name] == small[name] for name in small if name.endswith(".png"))


def test_the_record_and_the_rules_travel_along(tmp_path: Path) -> None:
    write_dataset(tmp_path / "d", COUNTS, 7)
    record = json.loads((tmp_path / "d" / "sample.json").read_bytes())
    assert record["seed"] == 7
    assert record["counts"]["test_logical"] == 6
    assert record["defects"][f"test/{LOGICAL}/003.png"] == "swapped"
    assert "red, yellow, blue, green" in (tmp_path / "d" / "README.txt").read_text()


def test_masks_are_black_and_white(drawn: Path) -> None:
    import cv2

    path = drawn / "ground_truth" / STRUCTURAL / "000" / "000.png"
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert mask is not None
    assert np.unique(mask).tolist() == [0, 255]


def test_progress_is_told_of_every_image(tmp_path: Path) -> None:
    calls = []
    write_dataset(tmp_path / "d", COUNTS, 0, lambda: calls.append(1))
    assert len(calls) == COUNTS.total == 19


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty"):
        write_dataset(tmp_path, COUNTS, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="is a file"):
        write_dataset(tmp_path / "file", COUNTS, 0)


def test_an_interrupted_run_is_recognised(tmp_path: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path / "d", COUNTS, 0, stop)
    assert not (tmp_path / "d" / "sample.json").exists()
    assert not list((tmp_path / "d").rglob("*.tmp"))
    with pytest.raises(ConfigError, match="interrupted run"):
        write_dataset(tmp_path / "d", COUNTS, 0)


def test_a_full_disk_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise StorageError("The disk is full.", fix="Free some space.")

    monkeypatch.setattr(dataset, "write_atomically", refuse)
    with pytest.raises(StorageError, match="disk is full"):
        write_dataset(tmp_path / "d", COUNTS, 0)


@pytest.mark.parametrize("wrong", [{"train": 0}, {"test_good": -1}, {"size": 8}, {"size": 9000}])
def test_impossible_counts_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="--"):
        SampleCounts(**wrong)


def test_a_negative_seed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--seed"):
        write_dataset(tmp_path / "d", COUNTS, -1)
    assert not (tmp_path / "d").exists()
