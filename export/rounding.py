"""What FP16 would do to the numbers of a graph: which nodes would overflow or fade away.

Judges constants by themselves and activations by what was measured on real frames; knows nothing
about how they are run.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from slsg_edge.export.graph import OnnxGraph
from slsg_edge.export.island import Kept

FP16_LARGEST = 65504.0
FP16_SMALLEST_NORMAL = 2.0**-14
FP16_SMALLEST = 2.0**-24
# Left free above what the golden frames reach: they are few, and show good products only.
HEADROOM = 4.0
# Twice what rounding to FP16 costs a normal number.
LOST_SHARE = 2.0**-10
# INT8 itself rounds by half a step of 127, 2**-8 of the largest value; a scale may be off by half
# of that.
SCALE_LOST = 2.0**-9
_SCALED = frozenset({"QuantizeLinear", "DequantizeLinear"})
# Inputs that are added: small ones need no relative precision.
_ADDED: Mapping[str, frozenset[int]] = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm"), frozenset({2})),
    **dict.fromkeys(("Add", "Sub"), frozenset({0, 1})),
    "BatchNormalization": frozenset({2, 3}),
}
_VARIANCE = 4  # the input of BatchNormalization


@dataclass(frozen=True, slots=True)
class ValueRange:
    """How far a tensor's values reach.

    largest: the largest magnitude.
    level: the root of the mean square of those that are not zero.
    subnormal: the share of those that is below FP16's smallest normal number.
    zeroed: the share of those that is below half FP16's smallest number.
    """

    largest: float
    level: float
    subnormal: float
    zeroed: float

    def overflows(self, headroom: float) -> bool:
        return self.largest * headroom > FP16_LARGEST

    def fades(self) -> bool:
        """Whether FP16 may cost more than LOST_SHARE of the tensor's norm.

        Rounding moves a number by up to 2**-11 of itself and a subnormal one by 2**-25: relative
        to the norm 2**-11 + 2**-25 / level, which is LOST_SHARE at the smallest normal.
        """
        return 0 < self.level < FP16_SMALLEST_NORMAL


def range_of(values: NDArray[Any]) -> ValueRange:
    """Of all zeros, all zeros."""
    sizes = np.abs(values, dtype=np.float32).ravel()
    count = np.count_nonzero(sizes)
    if not count:
        return ValueRange(0.0, 0.0, 0.0, 0.0)
    zeros = sizes.size - count
    with np.errstate(over="ignore"):
        power = float(np.dot(sizes, sizes))
    return ValueRange(
        float(sizes.max()),
        float(np.sqrt(power / count)),
        float((np.count_nonzero(sizes < FP16_SMALLEST_NORMAL) - zeros) / count),
        float((np.count_nonzero(sizes < FP16_SMALLEST / 2) - zeros) / count),
    )


def activation_ranges(frames: Iterable[Mapping[str, NDArray[Any]]]) -> dict[str, ValueRange]:
    """The widest over frames, tensor by tensor, of what `stages.activations` yields."""
    ranges: dict[str, ValueRange] = {}
    for frame in frames:
        for name, values in frame.items():
            new = range_of(values)
            ranges[name] = _widest(ranges[name], new) if name in ranges else new
    return ranges


def _widest(first: ValueRange, second: ValueRange) -> ValueRange:
    return ValueRange(
        max(first.largest, second.largest),
        max(first.level, second.level),
        max(first.subnormal, second.subnormal),
        max(first.zeroed, second.zeroed),
    )


def unsafe_nodes(graph: OnnxGraph, ranges: Mapping[str, ValueRange]) -> Iterator[tuple[str, Kept]]:
    """Nodes that FP16 would break, with the numbers; tensors without a range are not judged."""
    for node in graph.nodes:
        kept = _activations_break(graph, node, ranges) or _constants_break(graph, node)
        if kept is not None:
            yield node.name, kept


def _activations_break(
    graph: OnnxGraph, node: NodeProto, ranges: Mapping[str, ValueRange]
) -> Kept | None:
    for name in (*graph.float_inputs(node), *graph.float_outputs(node)):
        reach = ranges.get(name)
        if reach is None:
            continue
        if reach.overflows(HEADROOM):
            return Kept(
                "overflow",
                f"{name} reaches {reach.largest:.3g} on the golden frames, and FP16 ends at "
                f"{FP16_LARGEST:.0f}, of which {1 - 1 / HEADROOM:.0%} is left free",
            )
        if reach.fades():
            return Kept(
                "underflow",
                f"{name} has a level of {reach.level:.1e}, below FP16's smallest normal number, "
                f"{FP16_SMALLEST_NORMAL:.1e}; {reach.zeroed:.0%} of it would vanish",
            )
    return None


def _constants_break(graph: OnnxGraph, node: NodeProto) -> Kept | None:
    for index, name in enumerate(node.input):
        if name not in graph.constants or not graph.is_float(name):
            continue
        values = graph.array(name)
        reach = range_of(values)
        if np.isfinite(reach.largest) and reach.overflows(headroom=1.0):
            return Kept(
                "overflow", f"{name} holds {reach.largest:.3g}, FP16 ends at {FP16_LARGEST:.0f}"
            )
        if why := _faded(node, index, values, reach):
            return Kept("underflow", f"{name} {why}")
    return None


def _faded(
    node: NodeProto, index: int, values: NDArray[np.float32], reach: ValueRange
) -> str | None:
    """What FP16 takes from a constant, in words; None when that is no more than from others."""
    if index in _ADDED.get(node.op_type, ()):
        return None
    if node.op_type in _SCALED:
        return _if_beyond(SCALE_LOST, values, values)
    if node.op_type == "BatchNormalization" and index == _VARIANCE:
        return _if_beyond(LOST_SHARE, values, values + _epsilon(node))
    if reach.fades():
        return f"has a level of {reach.level:.1e}, FP16's normal numbers end at 6.1e-05"
    return None


def _if_beyond(limit: float, values: NDArray[np.float32], sizes: NDArray[np.float32]) -> str | None:
    """In words, when rounding moves a value by more than this share of its size."""
    moved = np.abs(values - values.astype(np.float16))
    share = float((moved / np.maximum(sizes, np.finfo(np.float32).tiny)).max())
    return f"is off by up to {share:.1%} in FP16" if share > limit else None


def _epsilon(node: NodeProto) -> float:
    attributes = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    return float(attributes.get("epsilon", 1e-5))
