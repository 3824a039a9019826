import json
import re
import shutil

import pytest
from screens import fits_and_begins_with

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.cli.export import export
from slsg_edge.errors import ConfigError

pytestmark = pytest.mark.usefixtures("converted_once")


@pytest.fixture
def copied(trained_bundle, tmp_path):
    """A trained bundle that may be changed."""
    return shutil.copytree(trained_bundle("edge"), tmp_path / "edge.slsg")


def test_people_read_sizes_what_stays_in_fp32_and_what_is_next(copied, capsys):
    export(copied, keep_fp32=["network.out/*"])
    said = capsys.readouterr().out
    assert fits_and_begins_with(said, "export ok"), said
    assert said.startswith(f"export ok: {copied} has its graph in FP32 and FP16; on ")
    assert re.search(r"FP16: .*model\.fp16\.onnx, \d\.\d MB; against the trained network", said)
    assert "27 of 128 nodes stay in FP32 (score head 8, " in said
    assert f"next: slsg-edge calibrate {copied}" in said


def test_machines_read_both_graphs(copied, capsys):
    export(copied, as_json=True)
    table = json.loads(capsys.readouterr().out)
    assert table["fp32"]["map_mean"] < table["fp16"]["map_mean"]
    assert table["fp16"]["megabytes"] <= 0.52 * table["fp32"]["megabytes"]
    assert table["fp16"]["model"] == str(copied / "model.fp16.onnx")
    assert "network.graph/TopK" in table["fp16"]["fp32_nodes"]


def test_the_command_in_the_manifest_repeats_the_patterns(copied):
    export(copied, keep_fp32=["network.steps*", "network.out/*"])
    command = open_bundle(copied).manifest.stages["export"].command
    assert command.endswith("--keep-fp32 'network.steps*' --keep-fp32 'network.out/*'")


def test_a_pattern_that_matches_nothing_leaves_the_bundle_as_it_was(copied):
    before = (copied / "manifest.json").read_bytes()
    with pytest.raises(ConfigError, match=r"network\.stepz"):
        export(copied, keep_fp32=["network.stepz*"])
    assert (copied / "manifest.json").read_bytes() == before
