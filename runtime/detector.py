"""Which backend runs the model of a bundle on this machine, and why.

A backend is a library and the precision it runs, named `library-precision`. Knows nothing about
how any of them works.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.digests import Content
from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.plan import MODEL_FILES
from slsg_edge.bundle.thresholds import threshold_of
from slsg_edge.config import unknown_name
from slsg_edge.contracts import Answers, Detector, Precision
from slsg_edge.errors import ConfigError, MissingDependency, SlsgError, UntrustedBundle
from slsg_edge.machine.host import cores_given, within_cores
from slsg_edge.preprocessing import Preprocessing

REFERENCE_BACKEND = "onnxruntime-fp32"


class GraphDetector(Detector, Protocol):
    """A detector that also runs frames at model resolution, without cutting and resizing."""

    def run(self, prepared: NDArray[np.uint8]) -> Answers:
        """(N, H, W, 3) to maps (N, H, W) and scores (N,)."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A library at one precision.

    held: whether the bundle holds what it runs, usable or not.
    model: the file that runs on this machine, or the SlsgError that says why none does.
    open: the model of that file, which is read and hashed once more, with so many threads, ready
    for its first frame.
    """

    precision: Precision
    held: Callable[[Bundle], bool]
    model: Callable[[Bundle], Path]
    open: Callable[[Bundle, Path, int | None], GraphDetector]


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """Which backend runs a bundle here.

    backend: its name in BACKENDS.
    model: the file that it runs.
    reason: why it is this one, for people.
    """

    backend: str
    precision: Precision
    model: Path
    reason: str

    def __str__(self) -> str:
        return f"backend {self.backend}: {self.reason}"


def choose(
    bundle: Bundle, name: str | None = None, precision: Precision | None = None
) -> BackendChoice:
    """`name` is a backend, or a library for its best; None takes the best that is ready here.

    ConfigError when no backend is called so or has that precision. Of several faults that of the
    reference is told where it is among them, else that of the best. A damaged file is an error
    (UntrustedBundle) and never a reason to take another backend.
    """
    if name is not None and name in BACKENDS:
        backend = BACKENDS[name]
        return BackendChoice(name, backend.precision, backend.model(bundle), "as asked")
    passed: dict[str, SlsgError] = {}
    for key in _candidates(bundle, _named(name, precision)):
        try:
            return _ready(bundle, key, passed)
        except UntrustedBundle:
            raise
        except SlsgError as error:
            passed[key] = error
    faults = list(passed.values())
    raise passed.get(REFERENCE_BACKEND, faults[0])


def open_choice(bundle: Bundle, choice: BackendChoice, threads: int | None = None) -> GraphDetector:
    """The chosen model, ready for its first frame; at most one thread for each core."""
    count = cores_given() if threads is None else within_cores(threads)
    return BACKENDS[choice.backend].open(bundle, choice.model, count)


def _named(name: str | None, precision: Precision | None) -> Sequence[str]:
    """At least one, the best first; ConfigError when there is none."""
    of_library = [key for key in BACKENDS if name in (None, _library(key))]
    if not of_library:
        known = {*BACKENDS, *map(_library, BACKENDS)}
        raise unknown_name(str(name), known, what="backend")
    fitting = [key for key in of_library if precision in (None, BACKENDS[key].precision)]
    if not fitting:
        raise ConfigError(
            f"{name or 'No backend'} runs no {precision} here.",
            fix=f"Take one of: {', '.join(of_library)}",
        )
    return fitting


def _candidates(bundle: Bundle, keys: Sequence[str]) -> Sequence[str]:
    """Those that the bundle holds a model for; else the one that is the easiest to get."""
    held = [key for key in keys if BACKENDS[key].held(bundle)]
    plain = [key for key in keys if BACKENDS[key].precision != "int8"]
    easiest = REFERENCE_BACKEND if REFERENCE_BACKEND in keys else (plain or keys)[0]
    return held or [easiest]


def _ready(bundle: Bundle, key: str, passed: Mapping[str, SlsgError]) -> BackendChoice:
    """Any SlsgError that speaks against it.

    Quantised scores are others than the reference's, so without a threshold of their own nothing
    could judge them.
    """
    backend = BACKENDS[key]
    model = backend.model(bundle)
    if backend.precision == "int8":
        threshold_of(bundle, key)
    reasons = [f"not {better}: {error}" for better, error in passed.items()]
    return BackendChoice(
        key, backend.precision, model, "; ".join(reasons) or "the best that is ready here"
    )


def _library(key: str) -> str:
    return key.partition("-")[0]


def _graph(
    precision: Precision,
    package: str,
    extra: str,
    open_model: Callable[[Content, Preprocessing, int | None], GraphDetector],
) -> Backend:
    """A backend that runs one of the bundle's ONNX files by a Python package."""
    file = MODEL_FILES[precision]

    def model(bundle: Bundle) -> Path:
        path = bundle.file(file)
        if importlib.util.find_spec(package) is None:
            raise MissingDependency(package, extra=extra)
        return path

    return Backend(
        precision,
        lambda bundle: bundle.holds(file),
        model,
        lambda bundle, path, threads: open_model(
            _content(bundle, path), bundle.manifest.preprocessing, threads
        ),
    )


def _content(bundle: Bundle, path: Path) -> Content:
    return bundle.content(path.relative_to(bundle.path).as_posix())


def _engine(precision: Precision) -> Backend:
    """TensorRT's engine for the GPU of this machine."""

    def held(bundle: Bundle) -> bool:
        from slsg_edge.runtime.engine_choice import holds_engine

        return holds_engine(bundle, precision)

    def model(bundle: Bundle) -> Path:
        from slsg_edge.runtime.engine_choice import engine_for

        return engine_for(bundle, precision)

    return Backend(precision, held, model, _tensorrt)


def _tensorrt(bundle: Bundle, engine: Path, threads: int | None) -> GraphDetector:
    from slsg_edge.runtime.engine_choice import engine_from, open_engine

    return open_engine(engine_from(bundle, engine), bundle.manifest.preprocessing)


def _onnxruntime(
    model: Content, preprocessing: Preprocessing, threads: int | None
) -> GraphDetector:
    from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector

    return OnnxRuntimeDetector(model, preprocessing, threads)


def _openvino(model: Content, preprocessing: Preprocessing, threads: int | None) -> GraphDetector:
    from slsg_edge.runtime.openvino import OpenVinoDetector

    return OpenVinoDetector(model, preprocessing, threads)


def _openvino_int8(
    model: Content, preprocessing: Preprocessing, threads: int | None
) -> GraphDetector:
    from slsg_edge.runtime.openvino import OpenVinoDetector

    return OpenVinoDetector(model, preprocessing, threads, "int8")


# The best first. ONNX Runtime has no other precision here: it runs those files slower than FP32.
BACKENDS: Mapping[str, Backend] = {
    "tensorrt-int8": _engine("int8"),
    "tensorrt-fp16": _engine("fp16"),
    "tensorrt-fp32": _engine("fp32"),
    "openvino-int8": _graph("int8", "openvino", "openvino", _openvino_int8),
    REFERENCE_BACKEND: _graph("fp32", "onnxruntime", "cpu", _onnxruntime),
    "openvino-fp32": _graph("fp32", "openvino", "openvino", _openvino),
}
