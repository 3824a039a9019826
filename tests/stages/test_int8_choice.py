"""What the choice of INT8 layers depends on, on a network of two convolutions."""

import json
import shutil

import cv2
import numpy as np
import pytest
from bundles import with_file
from graphs import SIDE, graph_bytes, weights

from slsg_edge.bundle.folder import Manifest, new_bundle, open_bundle
from slsg_edge.bundle.golden import Golden
from slsg_edge.calibration.sensitivity import Budget
from slsg_edge.cli.calibrate import calibrate
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.stages import int8
from slsg_edge.stages.int8 import Int8Settings, quantise_bundle
from slsg_edge.stages.reference import run_graph

CONVOLUTIONS = """
    hidden = Conv(pixels, w0)
    relu = Relu(hidden)
    raw = Conv(relu, w1)
    logits = Sigmoid(raw)
"""


@pytest.fixture
def bundle(tmp_path):
    """Its golden answers are those of its own graph."""
    first, second = weights(4, 3, 1, 1, scale=0.01), weights(1, 4, 1, 1)
    model = graph_bytes(CONVOLUTIONS, w0=first, w1=second)
    made = new_bundle(tmp_path / "made.slsg", Manifest("toy", {}, Preprocessing(SIDE, SIDE)))
    frames = np.stack([np.full((SIDE, SIDE, 3), level, np.uint8) for level in (40, 90, 200)])
    made = made.commit("export", {"model.onnx": model}, command="c", started=0.0)
    golden = Golden(frames, *run_graph(model, frames, made)).to_bytes()
    return with_file(made, "golden.npz", golden)


@pytest.fixture
def data(tmp_path):
    """Twenty good images, and a test of thirty of each kind that score much alike."""
    random = np.random.default_rng(0)
    for folder, count, lightest in (("train/good", 20, 130), ("test/good", 30, 130),
                                    ("test/hole", 30, 132)):  # fmt: skip
        (tmp_path / "data" / folder).mkdir(parents=True)
        for index in range(count):
            image = random.integers(60, lightest, (SIDE, SIDE, 3), np.uint8)
            cv2.imwrite(str(tmp_path / "data" / folder / f"{index}.png"), image)
    return tmp_path / "data"


def relabelled(data):
    (data / "test/good").rename(data / "test/other")
    (data / "test/hole").rename(data / "test/good")


def removed(data):
    shutil.rmtree(data / "test")


def quantised(bundle, data, budget):
    now = open_bundle(bundle.path)  # as the quantisation before left it
    return quantise_bundle(now, data, Int8Settings(budget=budget), "slsg-edge ...")


@pytest.mark.parametrize("change", [relabelled, removed])
def test_test_images_change_neither_the_chosen_layers_nor_the_graph(bundle, data, change):
    everything = quantised(bundle, data, Budget(auroc_drop=1, rank=0))
    ranks = sorted(group.alone.rank for group in everything.groups)
    assert ranks[0] < ranks[-1]
    budget = Budget(auroc_drop=1, rank=ranks[-1])  # of one of the two
    first = quantised(bundle, data, budget)
    change(data)
    again = quantised(bundle, data, budget)
    assert sorted(group.int8 for group in first.groups) == [False, True]
    assert again.groups == first.groups
    assert again.damage == first.damage
    outputs = [run.bundle.manifest.stages["calibrate-int8"].outputs for run in (first, again)]
    assert outputs[0]["model.int8.onnx"] == outputs[1]["model.int8.onnx"]
    assert first.test.fp32 != first.test.int8  # or their labels would not matter to anybody
    assert again.test is None if change is removed else again.test.fp32 != first.test.fp32


def test_the_order_of_scores_counts_where_there_are_labels_too(bundle, data):
    found = quantised(bundle, data, Budget(auroc_drop=1, rank=0))
    assert found.test is not None
    worst = min(group.alone.rank for group in found.groups)
    kept = quantised(bundle, data, Budget(auroc_drop=1, rank=worst + 1e-9))
    assert not all(group.int8 for group in kept.groups)
    assert kept.damage.rank > worst


def test_people_and_machines_are_told_that_nothing_was_chosen_from_the_test(
    bundle, data, tmp_path, capsys, monkeypatch
):
    said = "Nothing was chosen from them."
    anything = {"images": data, "int8": True, "auroc_drop": 1.0, "rank": 0.0}
    # the scores of so small a network are too much alike for a threshold of its own
    monkeypatch.setattr(int8, "runs_int8", lambda: False)
    calibrate(bundle.path, **anything, report=tmp_path / "int8.html")
    shown = capsys.readouterr().out
    assert "AUROC on test images" in shown
    assert said in shown
    assert said in (tmp_path / "int8.html").read_text()
    calibrate(bundle.path, **anything, as_json=True)
    table = json.loads(capsys.readouterr().out)
    assert (table["test"]["good"], table["test"]["defective"]) == (30, 30)
    assert any(said in note for note in table["notes"])
