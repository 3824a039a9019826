"""Bundles that earlier versions wrote open in this one, and run."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.inventory import inventory_of
from slsg_edge.bundle.records import ExportRecord, Int8Record, record_of, train_record_of
from slsg_edge.bundle.thresholds import threshold_of
from slsg_edge.bundle.training_record import trained_on
from slsg_edge.runtime.judged import open_judged

STORED = Path(__file__).resolve().parent.parent / "stored"
DARK = np.full((40, 40, 3), 20, np.uint8)


@pytest.fixture(params=["0.1", "0.2"])
def bundle(request, tmp_path):
    """At another place than the one where it was made."""
    return open_bundle(shutil.copytree(STORED / f"{request.param}.slsg", tmp_path / "moved.slsg"))


def test_every_file_and_stage_is_fresh(bundle):
    inventory = inventory_of(bundle)
    assert {entry.state for entry in (*inventory.stages, *inventory.files)} == {"fresh"}


def test_it_gives_verdicts(bundle):
    judged = open_judged(bundle, "onnxruntime-fp32")
    try:
        prediction = judged.detector.detect(DARK)
    finally:
        judged.close()
    assert prediction.image_score == pytest.approx(20 / 255)
    assert threshold_of(bundle).value == judged.threshold.value == 0.5
    assert len(threshold_of(bundle).good_scores) == 3


def test_every_command_names_the_bundle_where_it_lies_now(bundle):
    for stage in bundle.manifest.stages:
        assert str(bundle.path) in bundle.command_of(stage)
        assert "anna" not in bundle.command_of(stage)


def test_records_are_read(bundle):
    assert train_record_of(bundle).settings == {"seed": 0}
    assert record_of(bundle, ExportRecord).batch == 1


def test_everything_that_0_2_writes_is_understood(tmp_path):
    bundle = open_bundle(shutil.copytree(STORED / "0.2.slsg", tmp_path / "x.slsg"))
    manifest = bundle.manifest
    assert record_of(bundle, Int8Record).int8_nodes == ("b",)
    assert trained_on(bundle).train == {"a"}
    assert threshold_of(bundle, "openvino-int8").value == 0.7
    assert manifest.threshold.reviewed == ("c",)
    assert manifest.threshold.tail.shape == 0.1
    assert manifest.tolerances["openvino-int8"].rank == 0.4
    assert bundle.file("engines/rtx-fp16.engine").read_bytes() == b"engine"
