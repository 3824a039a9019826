"""Which backend runs the model of a bundle."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle import Bundle
from slsg_edge.config import unknown_name
from slsg_edge.contracts import Detector
from slsg_edge.preprocessing import Preprocessing

MODEL = "model.onnx"
DEFAULT = "onnxruntime"


class GraphDetector(Detector, Protocol):
    """A detector that also runs frames at model resolution, without cutting and resizing."""

    def run(self, prepared: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(N, H, W, 3) to maps (N, H, W) and scores (N,)."""


class Backend(Protocol):
    """What makes a detector of a model file."""

    def __call__(
        self, model: Path, preprocessing: Preprocessing, threads: int | None
    ) -> GraphDetector: ...


def _onnxruntime(model: Path, preprocessing: Preprocessing, threads: int | None) -> GraphDetector:
    from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector

    return OnnxRuntimeDetector(model, preprocessing, threads)


BACKENDS: dict[str, Backend] = {"onnxruntime": _onnxruntime}


def open_detector(
    bundle: Bundle, backend: str | None = None, threads: int | None = None
) -> GraphDetector:
    """The model of `bundle`, ready for its first frame.

    ConfigError for an unknown backend, BundleError when there is no whole and fresh model.
    """
    name = DEFAULT if backend is None else backend
    if name not in BACKENDS:
        raise unknown_name(name, BACKENDS, what="backend")
    return BACKENDS[name](bundle.file(MODEL), bundle.manifest.preprocessing, threads)
