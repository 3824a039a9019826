import numpy as np
import onnxruntime
import pytest
from graphs import frames, graph_bytes, weights

from slsg_edge.export.emulation import emulated
from slsg_edge.export.graph import graph_from_bytes
from slsg_edge.export.precision import half_graph
from slsg_edge.stages.activations import activations


def in_fp16(body, **constants):
    """What the runtime says of the FP16 graph, and what the emulation says."""
    half = half_graph(graph_from_bytes(graph_bytes(body, **constants)), {}).content
    graphs = (half, emulated(graph_from_bytes(half)))
    return [next(activations(graph, frames(1)))["anomaly_map"][0].copy() for graph in graphs]


def test_a_result_is_rounded_where_it_is_made():
    body = "one = Conv(pixels, w) far = Add(one, k) near = Sub(far, k) logits = Conv(near, w)"
    identity = np.eye(3, dtype=np.float32)[:, :, None, None] / 7
    runtime, rounded = in_fp16(body, w=identity, k=np.float32(3000))
    pixels = frames(1)[0].astype(np.float16) * np.float16(1 / 7)
    near = (pixels + np.float16(3000)) - np.float16(3000)
    expected = (near * np.float16(1 / 7)).max(2)
    np.testing.assert_array_equal(rounded, expected)
    assert np.abs(runtime - expected).max() > 0.05  # why the emulation is needed


@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0])
def test_products_are_those_of_fp16(scale):
    body = "one = Conv(pixels, w) square = Max(one, one) logits = Mul(square, k)"
    w = weights(3, 3, 1, 1, scale=scale)
    _, rounded = in_fp16(body, w=w, k=np.float32(0.3))
    sums = np.einsum("hwc,oc->hwo", frames(1)[0].astype(np.float64), np.float16(w[:, :, 0, 0]))
    expected = (sums.astype(np.float16).astype(np.float32) * np.float32(0.3)).max(2)
    np.testing.assert_allclose(rounded, expected, rtol=2e-3)


def test_what_is_too_large_for_fp16_is_no_number_any_more():
    body = "one = Conv(pixels, w) two = Mul(one, k) three = Mul(two, tiny) logits = Conv(three, w)"
    identity = np.eye(3, dtype=np.float32)[:, :, None, None]
    _, rounded = in_fp16(body, w=identity, k=np.float32(400), tiny=np.float32(1 / 4096))
    beyond = (frames(1)[0].max(2).astype(np.float32) * 400) >= 65520
    assert 0 < beyond.mean() < 1
    np.testing.assert_array_equal(np.isfinite(rounded), ~beyond)


def test_what_stays_in_fp32_is_not_rounded():
    body = "one = Conv(pixels, w) logits = Mul(one, k)"
    runtime, rounded = in_fp16(body, w=weights(3, 3, 1, 1), k=np.float32(0.3))
    graph = graph_from_bytes(graph_bytes(body, w=weights(3, 3, 1, 1), k=np.float32(0.3)))
    assert "logits/Mul" in half_graph(graph, {}).kept
    assert np.abs(runtime - rounded).max() <= 2**-11 * np.abs(runtime).max()


def test_int8_stays_int8():
    body = """
        first = Conv(pixels, w)
        levels = QuantizeLinear(first, scale, zero)
        again = DequantizeLinear(levels, scale, zero)
        logits = Conv(again, w)
    """
    constants = {"scale": np.float32(4), "zero": np.int8(0), "w": weights(3, 3, 1, 1)}
    runtime, rounded = in_fp16(body, **constants)
    assert np.abs(runtime - rounded).mean() < 0.01 * np.abs(runtime).mean()


@pytest.mark.parametrize("variant", ["edge", "paper"])
def test_the_runtimes_optimiser_does_not_undo_it(trained_bundle, variant):
    folder = trained_bundle(variant)
    half = graph_from_bytes((folder / "model.fp16.onnx").read_bytes())
    frame = np.load(folder / "golden.npz")["frames"][:1]
    maps = []
    for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_EXTENDED"):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        session = onnxruntime.InferenceSession(emulated(half), options)
        maps.append(session.run(["anomaly_map"], {"frame": frame})[0])
    np.testing.assert_allclose(*maps, atol=1e-4)
