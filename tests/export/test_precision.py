"""FP16 in the graph: types, names and constants of small graphs, and the numbers of real ones."""

from collections import Counter

import numpy as np
import onnx
import pytest
from bundles import unchecked
from graphs import frames, graph_bytes, weights
from onnx import TensorProto

from slsg_edge.bundle.golden import difference, golden_from
from slsg_edge.bundle.tolerances import DEFAULTS
from slsg_edge.export.emulation import emulated
from slsg_edge.export.graph import graph_from_bytes, with_outputs
from slsg_edge.export.island import CONTRACTIONS
from slsg_edge.export.precision import half_graph
from slsg_edge.export.rounding import ValueRange, activation_ranges
from slsg_edge.stages.activations import activations

HALF, WHOLE = TensorProto.FLOAT16, TensorProto.FLOAT
W, V = weights(4, 3, 1, 1), weights(4, 4, 1, 1)
BODY = "first = Conv(pixels, w) second = Relu(first) logits = Conv(second, v)"
QUANTISED = """
    first = Conv(pixels, w)
    levels = QuantizeLinear(first, scale, zero)
    again = DequantizeLinear(levels, scale, zero)
    kernel = DequantizeLinear<axis: int = 0>(bytes_v, scales, zeros)
    logits = Conv(again, kernel)
"""


def halved(body=BODY, patterns=(), ranges=None, **options):
    content = graph_bytes(body, w=W, v=V, **options)
    return half_graph(graph_from_bytes(content), ranges or {}, patterns)


def opened(half):
    return graph_from_bytes(half.content)


def answers(content, given):
    return np.concatenate([values["anomaly_map"].copy() for values in activations(content, given)])


def quantised(scale=0.02):
    scales = np.abs(V).max(axis=(1, 2, 3)) / 127
    levels = np.round(V / scales[:, None, None, None]).astype(np.int8)
    return {
        "scale": np.float32(scale),
        "zero": np.int8(0),
        "bytes_v": levels,
        "scales": scales.astype(np.float32),
        "zeros": np.zeros(4, np.int8),
    }


def test_inside_it_is_fp16_and_its_ends_are_as_before():
    graph = opened(halved())
    assert {graph.types[name] for name in ("first", "second", "logits", "v_fp16")} == {HALF}
    assert {graph.types[name] for name in graph.outputs} == {WHOLE}
    assert "w" not in graph.constants  # only its FP16 twin is read


def test_casts_stand_where_the_type_changes_and_say_so_by_name():
    graph = opened(halved())
    casts = [node.name for node in graph.nodes if node.op_type == "Cast"]
    assert casts == ["bytes/Cast", "pixels/Transpose_to_fp16", "logits/Conv_to_fp32"]


def test_what_several_nodes_read_is_cast_once():
    body = "a = Conv(pixels, w) b = Conv(pixels, w) c = Mul(a, b) logits = Conv(c, v)"
    assert Counter(node.op_type for node in opened(halved(body)).nodes)["Cast"] == 3


def test_a_constant_that_both_types_need_is_held_in_both():
    body = "a = Conv(pixels, w) b = Conv(pixels, w) c = Relu(a) d = Relu(b) logits = Add(c, d)"
    graph = opened(halved(body, patterns=["a/*"]))
    assert graph.types["w"] == WHOLE
    assert graph.types["w_fp16"] == HALF


def test_names_that_are_taken_already_are_left_alone():
    body = "first_fp16 = Conv(pixels, w) first = Relu(first_fp16) logits = Conv(first, v)"
    graph = opened(halved(body, patterns=["first/*"]))
    assert len({node.name for node in graph.nodes}) == len(graph.nodes)
    assert graph.types["first_fp16_fp32"] == WHOLE
    assert graph.types["first_fp16_"] == HALF


def test_the_scales_of_a_resize_are_no_data():
    body = "small = Conv(pixels, w) large = Resize(small, , s) logits = MaxPool<kernel_shape: ints "
    body += "= [2, 2], strides: ints = [2, 2]>(large)"
    graph = opened(halved(body, s=np.array([1, 1, 2, 2], np.float32)))
    assert graph.types["large"] == HALF
    assert graph.types["s"] == WHOLE


def test_what_onnx_has_in_fp32_only_stays():
    body = "a = Conv(pixels, w) share = HannWindow(n) b = Mul(a, share) logits = Conv(b, v)"
    half = halved(body, n=np.array(8))
    assert half.kept["share/HannWindow"].rule == "no FP16"
    assert opened(half).types["logits"] == HALF


def test_ranges_keep_nodes_whole_and_give_their_numbers():
    half = halved(ranges={"second": ValueRange(1e5, 1, 0, 0)})
    assert half.kept["second/Relu"].rule == "overflow"
    assert half.reasons()["overflow"] == 2
    assert opened(half).types["first"] == HALF


def test_measured_ranges_find_an_overflow_and_keep_it_out_of_fp16():
    content = graph_bytes(BODY, w=W * np.float32(5000), v=V / np.float32(5000))
    graph = graph_from_bytes(content)
    ranges = activation_ranges(activations(with_outputs(graph, graph.activations()), frames()))
    half = half_graph(graph, ranges)
    assert half.kept["first/Conv"].rule == "overflow"
    assert np.isfinite(answers(emulated(opened(half)), frames())).all()
    careless = opened(half_graph(graph, {}))
    assert not np.isfinite(answers(emulated(careless), frames())).all()


def test_the_numbers_are_those_of_fp32_but_for_rounding():
    content = graph_bytes(BODY, w=W, v=V)
    exact, rounded = answers(content, frames()), answers(halved().content, frames())
    assert 0 < np.abs(exact - rounded).max() < 2e-3 * np.abs(exact).max()


def test_a_batch_may_stay_open():
    half = halved(batch="N")
    together = onnx.load_from_string(half.content).graph.input[0].type.tensor_type.shape.dim[0]
    assert together.dim_param == "N"
    assert answers(half.content, frames(3)).shape == (3, 8, 8)


def test_scales_of_int8_take_the_type_of_the_tensor_beside_them():
    half = halved(QUANTISED, **quantised())
    graph = opened(half)
    assert {graph.types[name] for name in ("first", "again", "kernel", "scale_fp16")} == {HALF}
    assert graph.types["levels"] == graph.types["bytes_v"] == TensorProto.INT8
    assert "scale" not in graph.constants


def test_int8_with_fp16_around_it_gives_what_int8_alone_gives():
    exact = answers(graph_bytes(QUANTISED, w=W, **quantised(scale=8.0)), frames())
    half = answers(halved(QUANTISED, **quantised(scale=8.0)).content, frames())
    assert np.abs(exact - half).mean() < 0.01 * np.abs(exact).mean()


def test_a_scale_that_would_vanish_stays_in_fp32():
    half = halved(QUANTISED, **quantised(scale=1e-8))
    assert half.kept["levels/QuantizeLinear"].rule == "underflow"
    assert opened(half).types["scale"] == WHOLE


def test_int8_weights_of_a_node_that_stays_are_fp32():
    half = halved(QUANTISED, patterns=["logits/*"], **quantised())
    assert opened(half).types["kernel"] == WHOLE


def test_an_old_opset_has_its_scales_in_fp32():
    graph = opened(halved(QUANTISED, opset=18, **quantised()))
    assert graph.types["scale"] == WHOLE
    assert graph.types["logits"] == HALF


@pytest.fixture(scope="module", params=["edge", "paper"])
def real(request, trained_bundle):
    """The FP32 graph, its FP16 one and the golden frames of a trained bundle."""
    folder = trained_bundle(request.param)
    graph = graph_from_bytes((folder / "model.onnx").read_bytes())
    golden = golden_from(unchecked(folder / "golden.npz"))
    probe = with_outputs(graph, graph.activations())
    return graph, half_graph(graph, activation_ranges(activations(probe, golden.frames))), golden


def test_slsg_computes_every_convolution_in_fp16_with_six_casts(real):
    _, half, _ = real
    graph = opened(half)
    kinds = {node.name: node.op_type for node in graph.nodes}
    assert {kinds[name] for name in half.kept} & CONTRACTIONS == {"MatMul"}
    assert Counter(kinds.values())["Cast"] == 6  # the first makes floats of bytes
    assert set(half.reasons()) >= {"similarity", "softmax", "top-k", "score head"}


def test_the_file_is_half_as_large(real):
    graph, half, _ = real
    assert len(half.content) <= 0.52 * graph.model.ByteSize()


def test_the_file_runs_and_its_answers_are_the_networks(real):
    _, half, golden = real
    found = [
        (values["anomaly_map"], values["image_score"])
        for values in activations(half.content, golden.frames)
    ]
    maps, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    off = difference(golden, maps, scores, golden.split_threshold())
    assert off.map_mean > 0
    assert not off.beyond(DEFAULTS["fp16"])


@pytest.mark.slow
@pytest.mark.parametrize("batch", ["fixed", "open"])
def test_tensorrt_builds_it_without_a_complaint(real, batch, tmp_path, capfd):
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="needs the extra `rtx`")
    _, half, _ = real
    log = _log(trt)
    network, builder = _parsed(trt, log, _with_batch(half.content, batch))
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM86, 0)
    _open_profile(network, builder, config)
    assert builder.build_serialized_network(network, config) is not None
    assert log.lines == []
    assert "precision-lose" not in "".join(capfd.readouterr())


def _log(trt):
    class Log(trt.ILogger):
        def __init__(self):
            super().__init__()
            self.lines = []

        def log(self, severity, message):
            if severity <= trt.ILogger.WARNING:
                self.lines.append(message)

    return Log()


def _parsed(trt, log, content):
    builder = trt.Builder(log)
    typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(typed)
    assert trt.OnnxParser(network, log).parse(content), log.lines
    return network, builder


def _with_batch(content, batch):
    model = onnx.load_from_string(content)
    if batch == "open":
        for end in (*model.graph.input, *model.graph.output):
            end.type.tensor_type.shape.dim[0].dim_param = "N"
    return model.SerializeToString()


def _open_profile(network, builder, config):
    frame = network.get_input(0)
    if -1 in tuple(frame.shape):
        sides = tuple(frame.shape)[1:]
        profile = builder.create_optimization_profile()
        profile.set_shape("frame", (1, *sides), (1, *sides), (4, *sides))
        config.add_optimization_profile(profile)
