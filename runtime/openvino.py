"""The exported graph on OpenVINO's CPU plugin, which runs explicit Q/DQ convolutions in INT8.

Knows nothing about bundles, thresholds or where a frame comes from.
"""

import sys
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import GRAPH_OUTPUTS, Answers, Precision
from slsg_edge.machine.host import multiplies_int8_exactly
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.sessions import (
    Model,
    SessionDetector,
    TensorInfo,
    does_not_load,
    does_not_run,
    loadable,
)

# Importing openvino reports the import to Google Analytics and leaves an id in the home folder;
# where it cannot import this package it does neither.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino  # noqa: E402
from openvino import frontend  # noqa: E402

from slsg_edge.runtime.openvino_graph import guard_concats, spread_upscaling, widen_to_fp32  # noqa: E402

# The frontend's exceptions share no parent but Exception.
_FAILURES: tuple[type[Exception], ...] = (
    RuntimeError,
    frontend.GeneralFailure,
    frontend.InitializationFailure,
    frontend.NotImplementedFailure,
    frontend.OpConversionFailure,
    frontend.OpValidationFailure,
)


class OpenVinoDetector(SessionDetector):
    """One frame at a time with all threads on it; hinted THROUGHPUT, a frame took twice as long."""

    def __init__(
        self,
        model: Model,
        preprocessing: Preprocessing,
        threads: int | None = None,
        precision: Precision = "fp32",
    ) -> None:
        """`threads` None takes one per core; `precision` is that of the model, for the name.

        BundleError when the graph breaks the contract.
        """
        session = _OpenVinoSession(model, threads)
        name = f"openvino cpu {precision}"
        if precision == "int8" and not multiplies_int8_exactly():
            name += ", computed in FP32 since this CPU has no VNNI"
        super().__init__(name, session, model, preprocessing)


class _OpenVinoSession:
    def __init__(self, model: Model, threads: int | None) -> None:
        self._model = model
        try:
            graph = _read(model)
            self.inputs, self.outputs = _tensors(graph.inputs), _tensors(graph.outputs)
            compiled = openvino.Core().compile_model(graph, "CPU", _options(threads))
            self._request = compiled.create_infer_request()
        except _FAILURES as error:
            raise does_not_load(model, "OpenVINO", _last_line(error)) from error

    def run(self, frames: NDArray[np.uint8]) -> Answers:
        try:
            outputs = self._request.infer({0: frames})
            maps, scores = (np.array(outputs[name]) for name in GRAPH_OUTPUTS)
        except _FAILURES as error:
            raise does_not_run(self._model, _last_line(error)) from error
        return maps, scores


def _options(threads: int | None) -> dict[str, Any]:
    """FP32 for what is not INT8: left to itself OpenVINO takes BF16 where a CPU has it.

    With the 8 bits of BF16 near ties would choose other neighbours. Where the sums of INT8
    products saturate, what is INT8 is rounded to its steps but computed in FP32 too: with
    OpenVINO 2026.4 on AVX2 a third of the largest value was lost.
    """
    options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    if not multiplies_int8_exactly():
        options["LP_TRANSFORMS_MODE"] = False
    return options


def _read(model: Model) -> Any:
    """By the ONNX frontend alone: to guess the format, others would try and print their errors."""
    given = loadable(model)
    onnx = frontend.FrontEndManager().load_by_framework("onnx")
    graph = onnx.convert(onnx.load(BytesIO(given) if isinstance(given, bytes) else given))
    if not graph.inputs:
        raise RuntimeError("it is empty")
    sides = list(graph.inputs[0].get_partial_shape())
    if sides and sides[0].is_dynamic:  # a fixed batch runs faster, and the line has one frame
        graph.reshape([1, *sides[1:]])
    guard_concats(graph)
    spread_upscaling(graph)
    if not multiplies_int8_exactly():
        widen_to_fp32(graph)
    return graph


def _tensors(ports: Any) -> tuple[TensorInfo, ...]:
    return tuple(
        TensorInfo(
            min(port.get_names(), default=""),
            port.get_element_type().to_dtype().name,
            tuple(
                side.get_length() if side.is_static else str(side)
                for side in port.get_partial_shape()
            ),
        )
        for port in ports
    )


def _last_line(error: Exception) -> str:
    """What follows the places in OpenVINO's sources."""
    return str(error).strip().rpartition("\n")[2]
