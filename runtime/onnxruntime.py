"""A bundle's graph on the CPU by ONNX Runtime: the embedded default, and what others must match.

Knows nothing about bundles and thresholds: a model file in, predictions out.
"""

from pathlib import Path
from types import TracebackType

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from slsg_edge.contracts import Image, Prediction
from slsg_edge.errors import BundleError, CameraError
from slsg_edge.preprocessing import Preprocessing, prepare

INPUT = "frame"
OUTPUTS = ["anomaly_map", "image_score"]
ERRORS_ONLY = 3  # onnxruntime's log level


class OnnxRuntimeDetector:
    """Implements `contracts.Detector`; a context manager."""

    def __init__(
        self, model: Path, preprocessing: Preprocessing, threads: int | None = None
    ) -> None:
        """`threads` None lets ONNX Runtime take every core. BundleError for a foreign graph."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        # its errors share no other base: they are pybind11's own classes
        except Exception as error:
            raise BundleError(
                f"ONNX Runtime cannot load {model}: {str(error).splitlines()[0]}",
                fix="Export the bundle again.",
            ) from error
        self._preprocessing = preprocessing
        self._one_by_one = _check_contract(self._session, model, preprocessing)

    @property
    def name(self) -> str:
        return "onnxruntime cpu fp32"

    def detect(self, frame: Image) -> Prediction:
        """(H, W, 3) uint8 of any size; CameraError for another shape or type."""
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
            raise CameraError(
                f"A frame of shape {frame.shape} and type {frame.dtype} is no picture.",
                fix="Deliver (height, width, 3) uint8 in BGR order.",
            )
        maps, scores = self.run(prepare(frame, self._preprocessing)[None])
        return Prediction(maps[0], float(scores[0]))

    def run(self, prepared: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(N, H, W, 3) at model resolution to maps (N, H, W) and scores (N,)."""
        step = 1 if self._one_by_one else len(prepared)
        parts = [
            self._session.run(OUTPUTS, {INPUT: prepared[start : start + step]})
            for start in range(0, len(prepared), step)
        ]
        if len(parts) == 1:
            return parts[0][0], parts[0][1]
        return np.concatenate([part[0] for part in parts]), np.concatenate(
            [part[1] for part in parts]
        )

    def close(self) -> None:
        """Gives the session's memory back; the detector is of no use afterwards."""
        del self._session

    def __enter__(self) -> "OnnxRuntimeDetector":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _check_contract(
    session: onnxruntime.InferenceSession, model: Path, preprocessing: Preprocessing
) -> bool:
    """Whether the graph takes one frame at a time; BundleError when it is not ours at all."""
    inputs = {tensor.name: tensor for tensor in session.get_inputs()}
    outputs = {tensor.name: tensor.type for tensor in session.get_outputs()}
    wanted = [preprocessing.height, preprocessing.width, 3]
    frame = inputs.get(INPUT)
    fits = (
        frame is not None
        and len(inputs) == 1
        and frame.type == "tensor(uint8)"
        and frame.shape[1:] == wanted
        and outputs == dict.fromkeys(OUTPUTS, "tensor(float)")
    )
    if frame is None or not fits:
        raise BundleError(
            f"{model} does not take `{INPUT}` (N, {wanted[0]}, {wanted[1]}, 3) uint8 and give "
            f"{' and '.join(OUTPUTS)} in float32.",
            fix="Export the bundle again.",
        )
    return bool(frame.shape[0] == 1)
