"""The INT8 stage on small trained networks."""

import json
import re
import shutil
from pathlib import Path

import pytest
import trained

from slsg_edge.bench.int8 import int8_gain, int8_latency
from slsg_edge.bench.race import BackendLatency, LatencyComparison
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.calibration.sensitivity import Budget, ChosenGroups, Int8Damage
from slsg_edge.contracts import GRAPH_OUTPUTS
from slsg_edge.data.splits import content_hash
from slsg_edge.export.graph import graph_from_bytes
from slsg_edge.machine.host import Machine
from slsg_edge.reports.int8_page import int8_page, share_text
from slsg_edge.stages import int8 as quantising
from slsg_edge.stages.int8 import Int8Settings, quantise_bundle

pytestmark = pytest.mark.slow

ANYTHING = Budget(auroc_drop=1, rank=0)


@pytest.fixture(scope="module")
def edge(trained_bundle, tmp_path_factory):
    """A bundle that these tests quantise again and again; nothing else of it changes."""
    path = tmp_path_factory.mktemp("int8") / "edge.slsg"
    shutil.copytree(trained_bundle("edge"), path)
    return open_bundle(path)


@pytest.fixture(scope="module")
def found(edge, sample_data):
    return _quantise(edge, sample_data)


def _quantise(bundle, folder, settings=None):
    settings = settings or Int8Settings(images=12, budget=ANYTHING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantising, "MOST_OF_EACH", 10)  # for each group of layers
        # as the quantisation before left it
        return quantise_bundle(open_bundle(bundle.path), folder, settings, "slsg-edge ...")


def everything(shares, measure, budget):
    """In the place of `choose_groups`: all of them, and none is measured."""
    nothing = Int8Damage(0.0, 1.0, 0.0, 0)
    return ChosenGroups(tuple(shares), nothing, dict.fromkeys(shares, nothing))


@pytest.mark.parametrize("variant", ["edge", "paper"])
def test_the_file_is_small(quantised_bundle, variant):
    bundle = open_bundle(quantised_bundle(variant))
    whole = bundle.file("model.onnx").stat().st_size
    assert bundle.file("model.int8.onnx").stat().st_size <= 0.42 * whole


@pytest.mark.parametrize("variant", trained.RUNS)
def test_the_file_says_where_int8_is(quantised_bundle, variant):
    bundle = open_bundle(quantised_bundle(variant))
    content = bundle.file("model.int8.onnx").read_bytes()
    graph = graph_from_bytes(content)
    nodes = {node.name: node for node in graph.nodes}
    recorded = bundle.manifest.stages["calibrate-int8"].settings
    for name in recorded["int8_nodes"]:
        kinds = [graph.producer[tensor].op_type for tensor in nodes[name].input[:2]]
        assert kinds == ["DequantizeLinear"] * 2
    assert set(recorded["fp32_nodes"]) <= set(nodes)
    assert graph.outputs == GRAPH_OUTPUTS


def test_the_record_names_the_images_by_their_content(found, sample_data):
    record = json.loads(found.bundle.file("int8.json").read_text())
    known = {content_hash(path) for path in sample_data.rglob("good/*.png")}
    assert len(record["images"]) == 12
    assert set(record["images"]) <= known
    assert record["budget"] == {"auroc_drop": 1, "rank": 0}


def test_images_of_the_product_need_no_warning(found):
    assert found.notes == ()


def test_both_graphs_are_measured_on_test_images_and_that_is_reported(found, sample_data):
    assert found.test is not None
    assert (found.test.good, found.test.defective) == (8, 12)
    assert 0 <= found.test.int8 <= 1
    said = "Nothing was chosen from them."
    assert said in str(found.test)
    assert said in int8_page("INT8", found, "slsg-edge calibrate")
    record = json.loads(found.bundle.file("int8.json").read_text())
    assert record["test"]["fp32"] == found.test.fp32
    assert said in record["test"]["note"]


def test_relabelled_test_images_change_neither_the_chosen_layers_nor_the_graph(
    edge, found, sample_data, tmp_path
):
    """At a budget that leaves the group out that costs the most AUROC, if any does.

    So the same images give the same file, too.
    """
    most = max(group.alone.auroc_drop for group in found.groups)
    settings = Int8Settings(images=12, budget=Budget(max(most - 1e-6, 0.0), rank=0))
    first = _quantise(edge, sample_data, settings)
    data = Path(shutil.copytree(sample_data, tmp_path / "data"))
    _swap_labels(data / "test")
    again = _quantise(edge, data, settings)
    assert again.test.fp32 != first.test.fp32
    assert [group.int8 for group in again.groups] == [group.int8 for group in first.groups]
    outputs = [run.bundle.manifest.stages["calibrate-int8"].outputs for run in (first, again)]
    assert outputs[0]["model.int8.onnx"] == outputs[1]["model.int8.onnx"]


def _swap_labels(test):
    """What is good becomes one kind of defect, which becomes good."""
    kind = next(path for path in sorted(test.iterdir()) if path.name != "good")
    (test / "good").rename(test / "other")
    kind.rename(test / "good")


def test_the_page_shows_every_group_and_what_it_costs(found):
    times = (("openvino-fp32", 12.0, 15.0, 1.0), ("openvino-int8", 4.8, 6.0, 2.5))
    machine = Machine("a CPU", 4, "Linux", {})
    latency = LatencyComparison(machine, 16, tuple(BackendLatency(*each) for each in times))
    html = int8_page("INT8", found, "slsg-edge calibrate", latency)
    for group in found.groups:
        assert html.count(group.name) == 2  # in the chart and in the table
    assert html.count("<rect") == 2 * len(found.groups)
    assert "points" in html
    assert "12 ms a part in FP32, 4.8 ms in INT8: 2.5 times as fast" in html
    assert "a CPU, 4 cores" in html
    assert not re.search(r"\de[-+]\d", re.sub("<style>.*?</style>", "", html, flags=re.S))


def test_the_graph_is_timed_against_the_one_it_is_made_from(found):
    pytest.importorskip("openvino")
    latency = int8_latency(open_bundle(found.bundle.path), frames=8)
    assert [each.backend for each in latency.backends] == ["openvino-fp32", "openvino-int8"]
    assert all(each.median > 0 for each in latency.backends)
    assert "ms in INT8: " in int8_gain(latency)


@pytest.mark.parametrize(
    ("speedup", "said"), [(1.04, "no faster here"), (0.6, "no faster here"), (2.54, "2.5 times as")]
)
def test_what_int8_buys_in_time_is_in_words(speedup, said):
    times = ("openvino-fp32", 12.0, 15.0, 1.0), ("openvino-int8", 12.0 / speedup, 15.0, speedup)
    backends = tuple(BackendLatency(*each) for each in times)
    assert said in int8_gain(LatencyComparison(Machine("a CPU", 4, "Linux", {}), 16, backends))


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, "0 %"),
        (1e-6, "under 0.001 %"),
        (9.1e-4, "0.091 %"),
        (3.2e-3, "0.32 %"),
        (0.011, "1.1 %"),
        (0.6, "60 %"),
    ],
)
def test_what_a_map_moves_by_is_in_percent(share, said):
    assert share_text(share) == said
