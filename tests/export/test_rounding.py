import numpy as np
import pytest
from graphs import graph_bytes, weights

from slsg_edge.export.graph import graph_from_bytes
from slsg_edge.export.rounding import (
    FP16_SMALLEST_NORMAL,
    ValueRange,
    activation_ranges,
    range_of,
    unsafe_nodes,
)

W = weights(4, 3, 1, 1)
V = weights(4, 4, 1, 1)
BODY = "first = Conv(pixels, w) second = Relu(first) third = Conv(second, v) logits = Relu(third)"


def unsafe(body=BODY, ranges=None, **constants):
    constants = {"w": W, "v": V, **constants}
    return dict(unsafe_nodes(graph_from_bytes(graph_bytes(body, **constants)), ranges or {}))


def test_a_range_is_that_of_the_values_which_are_not_zero():
    found = range_of(np.array([0, 0, -3, 4, 2e-5, 1e-8], np.float32))
    assert found.largest == 4
    assert found.level == pytest.approx(2.5)
    assert (found.subnormal, found.zeroed) == (0.5, 0.25)


def test_zeros_have_a_range_that_breaks_nothing():
    found = range_of(np.zeros((2, 3), np.float32))
    assert found == ValueRange(0, 0, 0, 0)
    assert not found.fades()
    assert not found.overflows(headroom=4)


def test_the_widest_of_several_frames_counts():
    frames = [{"a": np.float32([1, 2])}, {"a": np.float32([-5, 1e-9])}]
    found = activation_ranges(frames)["a"]
    assert found.largest == 5
    assert found.zeroed == 0.5


def test_a_level_at_the_smallest_normal_number_costs_what_is_allowed():
    """The bound of the docstring, measured: twice the rounding of normal numbers at the most."""
    values = np.random.default_rng(0).normal(0, FP16_SMALLEST_NORMAL, 10_000).astype(np.float32)
    lost = np.linalg.norm(values - values.astype(np.float16)) / np.linalg.norm(values)
    assert lost < 2**-10
    assert range_of(values / 2).fades()


def test_what_comes_near_the_end_of_fp16_stays_with_its_maker_and_readers():
    found = unsafe(ranges={"second": ValueRange(20_000, 1, 0, 0)})
    assert found.keys() == {"second/Relu", "third/Conv"}
    assert str(found["third/Conv"]) == (
        "overflow: second reaches 2e+04 on the golden frames, and FP16 ends at 65504, "
        "of which 75% is left free"
    )


def test_a_quarter_of_fp16_is_not_near():
    assert not unsafe(ranges={"second": ValueRange(16_000, 1, 0, 0)})


def test_what_fades_as_a_whole_stays_and_says_how_small_it_is():
    found = unsafe(ranges={"first": ValueRange(1e-5, 3e-6, 1, 0.25)})
    assert found.keys() == {"first/Conv", "second/Relu"}
    assert "level of 3.0e-06" in found["first/Conv"].why
    assert "25% of it would vanish" in found["first/Conv"].why


def test_a_few_small_values_among_large_ones_do_no_harm():
    assert not unsafe(ranges={"first": ValueRange(1, 0.04, 0.8, 0.6)})  # a sharp softmax


@pytest.mark.parametrize(("factor", "rule"), [(1e6, "overflow"), (1e-6, "underflow")])
def test_weights_that_fp16_cannot_hold_stay(factor, rule):
    found = unsafe(v=V * np.float32(factor))
    assert {name: kept.rule for name, kept in found.items()} == {"third/Conv": rule}


def test_a_bias_may_be_small_for_it_is_added():
    body = "logits = Conv(pixels, w, small)"
    assert not unsafe(body, small=np.full(4, 1e-7, np.float32))


def test_infinity_is_the_same_in_fp16():
    assert not unsafe("logits = Max(pixels, lowest)", lowest=np.float32(-np.inf))


@pytest.mark.parametrize(("variance", "stays"), [(1e-2, False), (1e-3, False), (2e-6, True)])
def test_a_variance_that_is_lost_keeps_its_batch_normalisation(variance, stays):
    body = """
        first = Conv(pixels, w)
        logits = BatchNormalization<epsilon: float = 0.00000001>(first, ones, zeros, zeros, spread)
    """
    ones, zeros = np.ones(4, np.float32), np.zeros(4, np.float32)
    found = unsafe(body, ones=ones, zeros=zeros, spread=ones * np.float32(variance))
    assert ("logits/BatchNormalization" in found) == stays


@pytest.mark.parametrize(("scale", "stays"), [(1e-2, False), (2e-5, False), (1e-6, True)])
def test_a_scale_that_is_off_by_more_than_int8_rounds_stays(scale, stays):
    body = """
        levels = QuantizeLinear(pixels, scale, zero)
        logits = DequantizeLinear(levels, scale, zero)
    """
    found = unsafe(body, scale=np.float32(scale), zero=np.int8(0))
    assert ("levels/QuantizeLinear" in found) == stays


def test_a_scale_of_zero_is_zero_in_fp16_too():
    body = """
        levels = QuantizeLinear(pixels, scale, zero)
        logits = DequantizeLinear(levels, scale, zero)
    """
    assert not unsafe(body, scale=np.float32(0), zero=np.int8(0))
