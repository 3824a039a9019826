"""The chosen model of a bundle for several cameras at once, whatever runs it."""

from slsg_edge.bundle.folder import Bundle
from slsg_edge.runtime.batching import (
    BatchDetector,
    PreparedBatches,
    SharedDetector,
    SharingOptions,
)
from slsg_edge.runtime.detector import BackendChoice, open_choice
from slsg_edge.runtime.gpu.chain import ChainOptions

_ENGINES = "tensorrt-"


def open_shared(
    bundle: Bundle, choice: BackendChoice, options: SharingOptions, threads: int | None = None
) -> SharedDetector:
    """Every camera's thread may use it; close it from any.

    Frames that wait at the same time go as one batch, as large as the engine's profile allows.
    """
    return SharedDetector(lambda: _open(bundle, choice, options.cameras, threads), options)


def _open(
    bundle: Bundle, choice: BackendChoice, cameras: int, threads: int | None
) -> BatchDetector:
    spec = bundle.manifest.preprocessing
    if not choice.backend.startswith(_ENGINES):
        return PreparedBatches(open_choice(bundle, choice, threads), spec, cameras)
    from slsg_edge.runtime.engine_choice import open_engine

    return open_engine(choice.model, spec, ChainOptions(batch=cameras, exact=False))
