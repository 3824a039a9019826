"""The exported graph on ONNX Runtime's CPU provider.

Knows nothing about bundles, thresholds or where a frame comes from.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from slsg_edge.contracts import GRAPH_INPUT, GRAPH_OUTPUTS, Image, Prediction
from slsg_edge.errors import BundleError, CameraError
from slsg_edge.preprocessing import Preprocessing, prepare

_EXPORT = "Export the model again with `slsg-edge export`."
_COLOUR = "Let the camera deliver 8-bit colour pictures."
_ERRORS_ONLY = 3  # of its own warnings, those about missing GPUs would greet every line PC

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


class OnnxRuntimeDetector:
    """A `Detector`; also runs frames that are prepared already, for golden checks and bench.

    Loads by path: a model read into memory first costs its size again, 55 MB for `paper`.
    """

    def __init__(
        self, model: Path, preprocessing: Preprocessing, threads: int | None = None
    ) -> None:
        """`threads` None takes one per core. BundleError when the graph breaks the contract."""
        self._preprocessing = preprocessing
        self._model = model
        self._session = _session(model, threads)
        self._batch = _batch(self._session, preprocessing, model)
        self._warm_up()

    @property
    def name(self) -> str:
        return "onnxruntime cpu fp32"

    def detect(self, frame: Image) -> Prediction:
        """CameraError for anything but (H, W, 3) uint8; ConfigError when the region is outside."""
        _check_frame(frame)
        anomaly_map, score = self._run(prepare(frame, self._preprocessing)[None])
        return Prediction(anomaly_map[0], float(score[0]))

    def run(self, prepared: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(N, H, W, 3) at model resolution to maps (N, H, W) and scores (N,)."""
        size = self._batch or len(prepared)
        parts = [
            self._run(prepared[start : start + size]) for start in range(0, len(prepared), size)
        ]
        maps, scores = zip(*parts, strict=True)
        return np.concatenate(maps), np.concatenate(scores)

    def close(self) -> None:
        """Frees the model; the detector is of no use afterwards."""
        self._session = None

    def __enter__(self) -> "OnnxRuntimeDetector":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, frames: NDArray[np.uint8]) -> Any:
        return self._session.run(GRAPH_OUTPUTS, {GRAPH_INPUT: frames})

    def _warm_up(self) -> None:
        """The first run allocates, so it is not the first part's; and it shows the true shapes."""
        spec = self._preprocessing
        frame = np.zeros((1, spec.height, spec.width, 3), np.uint8)
        try:
            maps, scores = self._run(frame)
        except _FAILURES as error:
            raise BundleError(
                f"{self._model} does not run: {_first_line(error)}", fix=_EXPORT
            ) from error
        if maps.shape != frame.shape[:3] or scores.shape != (1,):
            raise BundleError(
                f"{self._model} gives a map {maps.shape} and a score {scores.shape} for a frame "
                f"of {frame.shape}, where {frame.shape[:3]} and (1,) are due.",
                fix=_EXPORT,
            )


def _session(model: Path, threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = threads or 0
    # Idle threads that spin take the cores from decoding and from everything else on a line PC:
    # `edge` took 59 ms spinning and 34 ms without, on two cores that others used as well.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except _FAILURES as error:
        raise BundleError(
            f"{model} is no model that ONNX Runtime can load: {_first_line(error)}", fix=_EXPORT
        ) from error


def _batch(session: Any, spec: Preprocessing, model: Path) -> int | None:
    """1 for a fixed batch, None for a dynamic one; BundleError when the contract is broken."""
    inputs = {node.name: (node.type, node.shape) for node in session.get_inputs()}
    outputs = {node.name: node.type for node in session.get_outputs()}
    kind, shape = inputs.get(GRAPH_INPUT, ("", [None]))
    expected = [spec.height, spec.width, 3]
    whole = kind == "tensor(uint8)" and shape[1:] == expected and not _other_batch(shape[0])
    if len(inputs) != 1 or not whole:
        raise BundleError(
            f"{model} takes {_said(session.get_inputs())}, where {GRAPH_INPUT} uint8 "
            f"(N, {spec.height}, {spec.width}, 3) is due.",
            fix=_EXPORT,
        )
    if any(outputs.get(name) != "tensor(float)" for name in GRAPH_OUTPUTS):
        raise BundleError(
            f"{model} gives {_said(session.get_outputs())}, where {' and '.join(GRAPH_OUTPUTS)} "
            "in float32 are due.",
            fix=_EXPORT,
        )
    return 1 if shape[0] == 1 else None


def _other_batch(dimension: int | str | None) -> bool:
    return isinstance(dimension, int) and dimension != 1


def _said(nodes: Any) -> str:
    return ", ".join(f"{node.name} {node.type} {node.shape}" for node in nodes) or "nothing"


def _check_frame(frame: Any) -> None:
    if not isinstance(frame, np.ndarray):
        raise CameraError(f"The frame is a {type(frame).__name__}.", fix=_COLOUR)
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
        raise CameraError(
            f"The frame is {frame.shape} {frame.dtype}, where (H, W, 3) uint8 is due.", fix=_COLOUR
        )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
