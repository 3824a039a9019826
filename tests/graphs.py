"""Small graphs from frame to map and score, written as text, for one rule of a pass at a time."""

import numpy as np
import onnx
from onnx import numpy_helper

SIDE = 8

_TEXT = """
<ir_version: 10, opset_import: ["" : {opset}]>
toy (uint8[{batch},{side},{side},3] frame)
    => (float[{batch},{side},{side}] anomaly_map, float[{batch}] image_score)
{{
    bytes = Cast<to: int = 1>(frame)
    pixels = Transpose<perm: ints = [0, 3, 1, 2]>(bytes)
    {body}
    anomaly_map = ReduceMax<keepdims: int = 0>(logits, channel)
    image_score = ReduceMax<keepdims: int = 0>(anomaly_map, sides)
}}
"""


def weights(*shape, scale=0.3, seed=0):
    return (np.random.default_rng(seed).normal(0, scale, shape)).astype(np.float32)


def graph_bytes(body, batch=1, opset=20, **constants):
    """`body` makes `logits` (N, C, 8, 8) of `pixels` (N, 3, 8, 8) and of constants.

    A node is called after what it makes: `features/Conv` makes `features`.
    """
    model = onnx.parser.parse_model(_TEXT.format(body=body, batch=batch, opset=opset, side=SIDE))
    constants |= {"channel": np.array([1]), "sides": np.array([1, 2])}
    for name, values in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
    for node in model.graph.node:
        node.name = f"{node.output[0]}/{node.op_type}"
    return model.SerializeToString()


def frames(count=2, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
