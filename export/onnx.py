"""The trained network as one ONNX graph from pixels to score, the reference of every engine.

Knows nothing about precision or TensorRT: the graph is FP32. Nodes are named after the module
they come from, and nothing of the exporting machine, no path and no stack trace, stays inside.
"""

import contextlib
import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import onnx
import torch
from torch import nn

from slsg_edge.contracts import GRAPH_INPUT, GRAPH_OUTPUTS
from slsg_edge.export.graph import NO_RULES, PrecisionRules, write_rules
from slsg_edge.preprocessing import Preprocessing

OPSET = 20
LARGEST_BATCH = 64
SCOPES = "pkg.torch.onnx.name_scopes"


def onnx_from_model(
    model: nn.Module,
    preprocessing: Preprocessing,
    *,
    dynamic: bool,
    rules: PrecisionRules = NO_RULES,
) -> bytes:
    """A serialised graph of `model`, which takes uint8 (N, H, W, 3) BGR; N is 1 or dynamic.

    `rules` go into the graph, for the passes that change its precision.
    """
    batch = 2 if dynamic else 1  # torch.export would take a dynamic 1 for a constant
    frame = torch.zeros((batch, preprocessing.height, preprocessing.width, 3), dtype=torch.uint8)
    dimension = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    with _quiet():
        program = torch.onnx.export(
            model.eval(),
            (frame,),
            dynamo=True,
            opset_version=OPSET,
            external_data=False,
            input_names=[GRAPH_INPUT],
            output_names=list(GRAPH_OUTPUTS),
            dynamic_shapes=({0: dimension},) if dynamic else None,
            verbose=False,
        )
    assert program is not None  # dynamo=True always gives one
    proto = program.model_proto
    _name_by_module(proto)
    _strip(proto)
    write_rules(proto, rules)
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString())


def _name_by_module(proto: onnx.ModelProto) -> None:
    """`network.graph.key.0/Conv`, numbered where a module has several of a kind."""
    seen: Counter[str] = Counter()
    for node in proto.graph.node:
        name = f"{_module_of(node) or 'graph'}/{node.op_type}"
        seen[name] += 1
        node.name = name if seen[name] == 1 else f"{name}_{seen[name]}"


def _module_of(node: onnx.NodeProto) -> str:
    """The innermost module; the last scope is the operation itself."""
    for entry in node.metadata_props:
        if entry.key == SCOPES:
            scopes = [part.strip(" '\"") for part in entry.value.strip("[]").split(",")]
            return scopes[-2] if len(scopes) > 1 else ""
    return ""


def _strip(proto: onnx.ModelProto) -> None:
    """Notes of the exporter, which hold source paths and stack traces."""
    holders: list[Any] = [proto, proto.graph, *proto.graph.node, *proto.graph.initializer]
    holders += [*proto.graph.input, *proto.graph.output, *proto.graph.value_info]
    for holder in holders:
        holder.doc_string = ""
        del holder.metadata_props[:]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences what the exporter says about torchvision and its own deprecations."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
