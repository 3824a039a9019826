"""The exported graph: its contract, its cleanliness, and that it is the network."""

import functools

import numpy as np
import onnx
import onnxruntime
import pytest
from untrained import untrained_bundle

from slsg_edge.bundle.golden import Golden, difference
from slsg_edge.bundle.tolerances import DEFAULTS, Tolerance
from slsg_edge.errors import BundleError, ConfigError, ExportError
from slsg_edge.stages import export
from slsg_edge.stages.export import export_bundle


def _export(bundle, **options):
    return export_bundle(
        bundle, **{"dynamic": False, "images": None, "command": "slsg-edge export", **options}
    )


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A function of the variant, whose fixed batch is exported once for these tests."""
    folder = tmp_path_factory.mktemp("exported")
    return functools.cache(lambda variant: _export(untrained_bundle(folder, variant)))


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["paper", "edge"])
def test_the_graph_takes_bytes_and_gives_map_and_score(exported, variant):
    done = exported(variant)
    model = onnx.load(done.bundle.file("model.onnx"))
    sides = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert sides == [1, 96, 96, 3]
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [output.name for output in model.graph.output] == ["anomaly_map", "image_score"]
    assert model.opset_import[0].version == 20
    assert done.difference.beyond(DEFAULTS["fp32"]) == ()


@pytest.mark.slow
def test_nothing_of_the_machine_stays_inside(exported):
    content = exported("edge").bundle.file("model.onnx").read_bytes()
    for trace in (b".py", b"stack_trace", b"site-packages", b"pkg.torch"):
        assert trace not in content


@pytest.mark.slow
def test_nodes_are_named_after_their_module(exported):
    model = onnx.load(exported("edge").bundle.file("model.onnx"))
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    assert any(name.startswith("network.graph.") for name in names)
    assert sum(node.op_type == "TopK" for node in model.graph.node) == 2  # neighbours and score


@pytest.mark.slow
def test_a_dynamic_batch_gives_what_single_frames_give(trained):
    done = _export(trained(), dynamic=True)
    session = onnxruntime.InferenceSession(str(done.bundle.file("model.onnx")))
    frames = np.load(done.bundle.file("golden.npz"))["frames"]
    together = session.run(["image_score"], {"frame": frames})[0]
    alone = [session.run(["image_score"], {"frame": frame[None]})[0][0] for frame in frames]
    np.testing.assert_allclose(together, alone, atol=1e-4)


@pytest.mark.slow
def test_golden_frames_travel_along(exported):
    done = exported("edge")
    stored = np.load(done.bundle.file("golden.npz"))
    assert stored["frames"].shape == (4, 96, 96, 3)
    assert stored["anomaly_map"].shape == (4, 96, 96)
    assert stored["image_score"].shape == (4,)


@pytest.mark.slow
def test_a_graph_that_is_not_the_network_is_refused_and_nothing_is_written(trained, monkeypatch):
    """By a little more than rounding can explain."""
    run_graph = export.run_graph

    def shifted(*given):
        maps, scores = run_graph(*given)
        return maps + np.float32(1e-3), scores

    monkeypatch.setattr(export, "run_graph", shifted)
    bundle = trained()
    with pytest.raises(ExportError, match="not the trained network"):
        _export(bundle)
    assert not (bundle.path / "model.onnx").exists()


def test_weights_that_are_not_the_networks_are_refused(trained):
    from safetensors.torch import load, save

    bundle = trained()
    weights = load((bundle.path / "weights.safetensors").read_bytes())
    weights.pop("out.weight")
    changed = bundle.commit("train", {"weights.safetensors": save(weights)}, command="x", started=0)
    with pytest.raises(BundleError, match="do not fit"):
        _export(changed)


def test_without_frames_images_are_asked_for(trained):
    bundle = trained()
    weights = (bundle.path / "weights.safetensors").read_bytes()
    bare = bundle.commit("train", {"weights.safetensors": weights}, command="x", started=0)
    with pytest.raises(ConfigError, match="--images"):
        _export(bare)


def test_maps_with_nan_are_refused():
    maps = np.zeros((1, 4, 4), np.float32)
    golden = Golden(np.zeros((1, 4, 4, 3), np.uint8), maps, np.zeros(1, np.float32))
    with pytest.raises(ExportError, match="not all finite"):
        difference(golden, np.full_like(maps, np.nan), golden.image_score, 0.5)


def test_a_changed_verdict_is_beyond_tolerance():
    maps = np.zeros((1, 4, 4), np.float32)
    golden = Golden(np.zeros((1, 4, 4, 3), np.uint8), maps, np.full(1, 0.5, np.float32))
    off = difference(golden, maps, np.full(1, 0.6, np.float32), 0.55)
    assert off.verdicts == 1
    assert off.beyond(Tolerance(1.0, 1.0, 1.0, 0.0)) == ("1 verdicts changed",)


@pytest.mark.parametrize("scores", [[0.5], [0.1, 0.2, 0.9], [0.2, 0.2]])
def test_the_threshold_before_calibration_lies_away_from_every_score(scores):
    maps = np.zeros((len(scores), 4, 4), np.float32)
    frames = np.zeros((len(scores), 4, 4, 3), np.uint8)
    found = Golden(frames, maps, np.array(scores, np.float32)).split_threshold()
    assert 0 < found < 1
    assert min(abs(found - score) for score in scores) > 0.1
