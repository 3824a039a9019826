"""A bundle to a running detector, on the backend that is asked for or the best one present."""

from collections.abc import Callable

from slsg_edge.bundle import Bundle
from slsg_edge.config import unknown_name
from slsg_edge.contracts import Detector
from slsg_edge.preprocessing import Preprocessing


def _onnxruntime(bundle: Bundle, preprocessing: Preprocessing, threads: int | None) -> Detector:
    from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector

    return OnnxRuntimeDetector(bundle.file("model.onnx"), preprocessing, threads)


BACKENDS: dict[str, Callable[[Bundle, Preprocessing, int | None], Detector]] = {
    "onnxruntime": _onnxruntime,
}


def open_detector(
    bundle: Bundle,
    backend: str | None = None,
    *,
    preprocessing: Preprocessing | None = None,
    threads: int | None = None,
) -> Detector:
    """`preprocessing` replaces the bundle's own, for another region of interest.

    ConfigError for an unknown backend; BundleError as `Bundle.file` raises it.
    """
    name = backend or next(iter(BACKENDS))
    if name not in BACKENDS:
        raise unknown_name(name, BACKENDS, what="backend")
    return BACKENDS[name](bundle, preprocessing or bundle.manifest.preprocessing, threads)
