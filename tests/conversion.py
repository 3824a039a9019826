"""PyTorch's own conversion to ONNX, by far the longest part of an export, done once for many tests.

For tests of what comes after it, where each network has the same weights.
"""

from typing import Any

from slsg_edge.export import onnx as exporter

CONVERT = exporter.onnx_from_model


class Conversions:
    """In the place of `onnx_from_model`: the graph that was made for the same `dynamic`."""

    def __init__(self) -> None:
        self._graphs: dict[bool, bytes] = {}

    def __call__(self, model: Any, preprocessing: Any, *, dynamic: bool, rules: Any) -> bytes:
        if dynamic not in self._graphs:
            self._graphs[dynamic] = CONVERT(model, preprocessing, dynamic=dynamic, rules=rules)
        return self._graphs[dynamic]
