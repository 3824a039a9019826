"""What is the same for every library that runs the exported graph on the CPU.

The contract of the graph's ends, the warm-up, and batches. Knows nothing about any library: it is
given a `Session`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.digests import Content
from slsg_edge.contracts import GRAPH_INPUT, GRAPH_OUTPUTS, Answers, Image, Prediction
from slsg_edge.errors import BundleError
from slsg_edge.preprocessing import Preprocessing, check_frame, prepare
from slsg_edge.runtime.prepared import require_prepared

Model: TypeAlias = Path | bytes | Content
"""An ONNX file, the bytes of a serialised graph, or a file of a bundle that was read already."""

_EXPORT = "Export the model again with `slsg-edge export`."


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or output of a graph.

    kind: its type of number, as NumPy calls it.
    shape: a text stands for a dimension that is not fixed.
    """

    name: str
    kind: str
    shape: tuple[int | str, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.kind} ({', '.join(map(str, self.shape))})"


class Session(Protocol):
    """A graph that some library has loaded."""

    @property
    def inputs(self) -> Sequence[TensorInfo]: ...

    @property
    def outputs(self) -> Sequence[TensorInfo]: ...

    def run(self, frames: NDArray[np.uint8]) -> Answers:
        """BundleError when the graph does not run."""


class SessionDetector:
    """A `Detector`; also runs frames that are prepared already, for golden checks and bench."""

    def __init__(
        self, name: str, session: Session, model: Model, preprocessing: Preprocessing
    ) -> None:
        """BundleError when the graph breaks the contract or does not run."""
        self._name, self._preprocessing = name, preprocessing
        self._session: Session | None = session
        self._batch = _batch(session, preprocessing, shown(model))
        _warm_up(session, preprocessing, shown(model))

    @property
    def name(self) -> str:
        return self._name

    def detect(self, frame: Image) -> Prediction:
        """CameraError for anything but (H, W, 3) uint8; ConfigError when the region is outside."""
        check_frame(frame)
        anomaly_map, score = self._run(prepare(frame, self._preprocessing)[None])
        return Prediction(anomaly_map[0], float(score[0]))

    def run(self, prepared: NDArray[np.uint8]) -> Answers:
        """(N, H, W, 3) at model resolution to maps (N, H, W) and scores (N,).

        CameraError when the frames are of another shape, or none.
        """
        require_prepared(prepared, self._preprocessing)
        size = self._batch or len(prepared)
        parts = [
            self._run(prepared[start : start + size]) for start in range(0, len(prepared), size)
        ]
        maps, scores = zip(*parts, strict=True)
        return np.concatenate(maps), np.concatenate(scores)

    def close(self) -> None:
        """Frees the model; the detector is of no use afterwards."""
        self._session = None

    def __enter__(self) -> "SessionDetector":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, frames: NDArray[np.uint8]) -> Answers:
        if self._session is None:
            raise RuntimeError(f"{self._name} was closed.")
        return self._session.run(frames)


def shown(model: Model) -> str:
    """For messages: bytes have no name."""
    if isinstance(model, bytes):
        return "The graph"
    return str(model if isinstance(model, Path) else model.path)


def loadable(model: Model) -> str | bytes:
    """What a library is given: a path as text, or bytes."""
    if isinstance(model, Path):
        return str(model)
    return model.data if isinstance(model, Content) else model


def does_not_load(model: Model, library: str, said: str) -> BundleError:
    """What to tell of a model that `library` refuses."""
    return BundleError(f"{shown(model)} is no model that {library} can load: {said}", fix=_EXPORT)


def does_not_run(model: Model, said: str) -> BundleError:
    """What to tell of a graph that was loaded and fails."""
    return BundleError(f"{shown(model)} does not run: {said}", fix=_EXPORT)


def _batch(session: Session, spec: Preprocessing, model: str) -> int | None:
    """1 for a fixed batch, None for a dynamic one; BundleError when the contract is broken."""
    due = ("uint8", (spec.height, spec.width, 3))
    (first, *more_inputs) = session.inputs or (TensorInfo("", "", (0,)),)
    whole = first.name == GRAPH_INPUT and (first.kind, first.shape[1:]) == due
    if more_inputs or not whole or (first.shape[0] != 1 and isinstance(first.shape[0], int)):
        raise BundleError(
            f"{model} takes {_said(session.inputs)}, where {GRAPH_INPUT} uint8 "
            f"(N, {spec.height}, {spec.width}, 3) is due.",
            fix=_EXPORT,
        )
    kinds = {output.name: output.kind for output in session.outputs}
    if any(kinds.get(name) != "float32" for name in GRAPH_OUTPUTS):
        raise BundleError(
            f"{model} gives {_said(session.outputs)}, where {' and '.join(GRAPH_OUTPUTS)} "
            "in float32 are due.",
            fix=_EXPORT,
        )
    return 1 if first.shape[0] == 1 else None


def _warm_up(session: Session, spec: Preprocessing, model: str) -> None:
    """The first run allocates, so it is not the first part's; and it shows the true shapes."""
    frame = np.zeros((1, spec.height, spec.width, 3), np.uint8)
    maps, scores = session.run(frame)
    if maps.shape != frame.shape[:3] or scores.shape != (1,):
        raise BundleError(
            f"{model} gives a map {maps.shape} and a score {scores.shape} for a frame "
            f"of {frame.shape}, where {frame.shape[:3]} and (1,) are due.",
            fix=_EXPORT,
        )


def _said(tensors: Sequence[TensorInfo]) -> str:
    return ", ".join(map(str, tensors)) or "nothing"
