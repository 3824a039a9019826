"""Changes to a graph that OpenVINO has read, with the same numbers: one fault mended, one speed-up.

Imported by `runtime.openvino` only, which first keeps openvino from reporting its import.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from openvino import opset13

# What OpenVINO moves a quantisation through, upwards, on its way to a Concat.
_PASSED = {"Convert", "Interpolate", "MaxPool", "Relu", "Reshape", "Transpose"}
_FEW_CHANNELS = 2
_PLACEMENTS = ("align_corners", "half_pixel")


def guard_concats(graph: Any) -> None:
    """A lower clamp between a Concat and the quantisation of it, which clamps there anyway.

    OpenVINO 2026.4 splits such a quantisation over the Concat's inputs and loses its scale: the
    next convolution was 40 % off. It does not move it over a Maximum.
    """
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "FakeQuantize" and _is_behind_concat(node):
            lowest = node.input_value(1)
            clamped = opset13.maximum(node.input_value(0), lowest)
            node.set_argument(0, clamped.output(0))
    graph.validate_nodes_and_infer_types()


def widen_to_fp32(graph: Any) -> None:
    """FP16 constants and conversions as FP32, which everything is computed in anyway.

    OpenVINO 2026.4 mixes both types in a quantisation, and then refuses the graph, where it is
    told to compute INT8 in FP32.
    """
    for node in graph.get_ordered_ops():
        kind = node.get_type_name()
        if kind not in ("Constant", "Convert") or _type_of(node) != "f16":
            continue
        wide = (
            opset13.constant(node.data.astype(np.float32))
            if kind == "Constant"
            else opset13.convert(node.input_value(0), "f32")
        )
        for reader in node.output(0).get_target_inputs():
            reader.replace_source_output(wide.output(0))
    graph.validate_nodes_and_infer_types()


def spread_upscaling(graph: Any) -> None:
    """Bilinear upscaling of a map or two as two matrix products, which all cores share.

    OpenVINO's own works on one channel with one core: 0.3 ms of the 7 ms that `edge` takes in
    INT8, twice.
    """
    for node in graph.get_ordered_ops():
        if _is_upscaling_of_a_map(node):
            source, target = node.input_value(0), node.output(0)
            rows, columns = (
                interpolation_matrix(source.shape[axis], target.shape[axis], _corners(node))
                for axis in (2, 3)
            )
            tall = opset13.matmul(opset13.constant(rows), source, False, False)
            whole = opset13.matmul(tall, opset13.constant(columns), False, True)
            for reader in target.get_target_inputs():
                reader.replace_source_output(whole.output(0))
    graph.validate_nodes_and_infer_types()


def interpolation_matrix(inputs: int, outputs: int, corners: bool) -> NDArray[np.float32]:
    """(outputs, inputs): each row the weights of one output sample, as ONNX's Resize has them.

    `corners`: the first and last samples coincide (align_corners), else the edges of the outer
    pixels do (half_pixel).
    """
    steps = np.arange(outputs)
    if corners:
        places = steps * (inputs - 1) / max(outputs - 1, 1)
    else:
        places = np.clip((steps + 0.5) * inputs / outputs - 0.5, 0, inputs - 1)
    below = np.minimum(places.astype(int), max(inputs - 2, 0))
    matrix = np.zeros((outputs, inputs), np.float32)
    matrix[steps, below] = 1 - (places - below)
    matrix[steps, np.minimum(below + 1, inputs - 1)] += places - below
    return matrix


def _is_behind_concat(quantisation: Any) -> bool:
    node = quantisation.input_value(0).get_node()
    while node.get_type_name() in _PASSED:
        node = node.input_value(0).get_node()
    return bool(node.get_type_name() == "Concat")


def _is_upscaling_of_a_map(node: Any) -> bool:
    if node.get_type_name() != "Interpolate" or node.get_attributes()["mode"] != "linear_onnx":
        return False
    ends = node.input_value(0).get_partial_shape(), node.output(0).get_partial_shape()
    if not all(end.is_static and len(end) == 4 for end in ends):
        return False
    (_, channels, *sides), (*_, height, width) = (end.to_shape() for end in ends)
    larger = height >= sides[0] and width >= sides[1]
    return larger and channels <= _FEW_CHANNELS and _placement(node) in _PLACEMENTS


def _type_of(node: Any) -> str:
    return str(node.output(0).get_element_type().get_type_name())


def _placement(node: Any) -> str:
    return str(node.get_attributes()["coordinate_transformation_mode"])


def _corners(node: Any) -> bool:
    return _placement(node) == "align_corners"
