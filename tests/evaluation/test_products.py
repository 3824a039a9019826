import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from bundles import with_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.splits import content_hash
from slsg_edge.evaluation.paired import Side
from slsg_edge.evaluation.products import product_warnings
from slsg_edge.runtime.detector import BackendChoice


@pytest.fixture
def dataset(tmp_path):
    """Ten good images to train on, one test image."""
    for name, count in (("train/good", 10), ("test/good", 1)):
        for index in range(count):
            path = tmp_path / "cups" / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.full((9, 9, 3), 10 * index + len(name), np.uint8))
    return read_dataset(tmp_path / "cups")


@pytest.fixture
def hashes(dataset):
    return [content_hash(sample.image) for sample in dataset.of("train")]


@pytest.fixture
def side(toy_bundle, tmp_path):
    """A bundle that learned from the images of these hashes; None: nobody knows."""

    def make(name, learned):
        path = tmp_path / f"{name}.slsg"
        shutil.copytree(toy_bundle, path)
        bundle = open_bundle(path)
        if learned is not None:
            record = json.dumps({"train": learned[:-1], "holdout": learned[-1:]}).encode()
            bundle = with_file(bundle, "data.json", record)
        return Side(name, bundle, BackendChoice("onnxruntime-fp32", "fp32", path, "as asked"))

    return make


OTHERS = [f"{number:064x}" for number in range(10)]


def test_bundles_of_different_images_are_warned_of(side, dataset, hashes):
    apart, strange = product_warnings((side("a", hashes), side("b", OTHERS)), dataset)
    assert "a and b learned from different images (0 of 10 shared)" in apart
    assert strange.startswith("b did not learn from the good images of cups")


def test_bundles_that_share_images_are_of_one_product(side, dataset, hashes):
    assert product_warnings((side("a", hashes), side("b", hashes[:5])), dataset) == ()


def test_a_data_set_that_neither_has_seen_is_warned_of(side, dataset):
    (found,) = product_warnings((side("a", OTHERS), side("b", OTHERS)), dataset)
    assert found.startswith("Neither bundle learned from the good images of cups")


def test_without_images_to_learn_from_a_data_set_tells_nothing(side, dataset):
    tests_only = replace(dataset, samples=dataset.of("test"))
    assert product_warnings((side("a", OTHERS), side("b", OTHERS)), tests_only) == ()


def test_what_was_imported_gives_no_warning(side, dataset, hashes):
    assert product_warnings((side("a", None), side("b", None)), dataset) == ()
    assert product_warnings((side("c", hashes), side("d", None)), dataset) == ()


def test_two_backends_of_one_bundle_are_of_one_product(side, dataset):
    one = side("a", OTHERS)
    assert product_warnings((one, one), dataset) == ()
