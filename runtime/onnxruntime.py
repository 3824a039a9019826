"""The exported graph on ONNX Runtime's CPU provider.

Knows nothing about bundles, thresholds or where a frame comes from.
"""

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from slsg_edge.contracts import GRAPH_INPUT, GRAPH_OUTPUTS, Answers
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.sessions import (
    Model,
    SessionDetector,
    TensorInfo,
    does_not_load,
    does_not_run,
    loadable,
)

_ERRORS_ONLY = 3  # of its own warnings, those about missing GPUs would greet every line PC
_KINDS = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}

# ONNX Runtime's exceptions share no parent but Exception.
_FAILURES: tuple[type[Exception], ...] = (
    failures.EPFail,
    failures.Fail,
    failures.InvalidArgument,
    failures.InvalidGraph,
    failures.InvalidProtobuf,
    failures.NoSuchFile,
    failures.NotImplemented,
    failures.RuntimeException,
)


class OnnxRuntimeDetector(SessionDetector):
    """Runs a file, the bytes of a graph or what was read of a bundle. The last two cost the size
    of the model again while it is loaded, 55 MB for `paper`.
    """

    def __init__(
        self, model: Model, preprocessing: Preprocessing, threads: int | None = None
    ) -> None:
        """`threads` None takes one per core. BundleError when the graph breaks the contract."""
        session = _OnnxRuntimeSession(model, threads)
        super().__init__("onnxruntime cpu fp32", session, model, preprocessing)


class _OnnxRuntimeSession:
    def __init__(self, model: Model, threads: int | None) -> None:
        self._model = model
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.intra_op_num_threads = threads or 0
        # Idle threads that spin take the cores from decoding and from everything else on a line
        # PC: `edge` took 59 ms spinning and 34 ms without, on two cores that others used as well.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                loadable(model), options, providers=["CPUExecutionProvider"]
            )
        except _FAILURES as error:
            raise does_not_load(model, "ONNX Runtime", _first_line(error)) from error
        self.inputs = _tensors(self._session.get_inputs())
        self.outputs = _tensors(self._session.get_outputs())

    def run(self, frames: NDArray[np.uint8]) -> Answers:
        try:
            maps, scores = self._session.run(GRAPH_OUTPUTS, {GRAPH_INPUT: frames})
        except _FAILURES as error:
            raise does_not_run(self._model, _first_line(error)) from error
        return maps, scores


def _tensors(nodes: Any) -> tuple[TensorInfo, ...]:
    return tuple(
        TensorInfo(
            node.name, _KINDS.get(node.type, node.type), tuple(size or "?" for size in node.shape)
        )
        for node in nodes
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
