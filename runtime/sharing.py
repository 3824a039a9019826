"""The chosen model of a bundle for several cameras at once, whatever runs it."""

from slsg_edge.bundle.folder import Bundle
from slsg_edge.runtime.batching import (
    BatchDetector,
    PreparedBatches,
    SharedDetector,
    SharingOptions,
)
from slsg_edge.runtime.detector import BackendChoice, choose, open_choice
from slsg_edge.runtime.gpu.chain import ChainOptions

_ENGINES = "tensorrt-"


def open_shared(
    bundle: Bundle,
    cameras: int,
    backend: str | None = None,
    *,
    threads: int | None = None,
    patience: float = 0.0,
) -> SharedDetector:
    """One detector for the threads of several cameras; close it from any of them.

    cameras: how many may wait at the same time.
    backend: what runs the model; None takes the best that is ready here.
    threads: of the CPU; None takes one per core.
    patience: seconds that a frame waits for others to go along with it.

    Frames that wait at the same time go as one batch, as large as an engine's profile allows.
    """
    return share_choice(bundle, choose(bundle, backend), SharingOptions(cameras, patience), threads)


def share_choice(
    bundle: Bundle, choice: BackendChoice, options: SharingOptions, threads: int | None = None
) -> SharedDetector:
    """As `open_shared`, with a backend that was chosen already."""
    return SharedDetector(lambda: _open(bundle, choice, options.cameras, threads), options)


def _open(
    bundle: Bundle, choice: BackendChoice, cameras: int, threads: int | None
) -> BatchDetector:
    spec = bundle.manifest.preprocessing
    if not choice.backend.startswith(_ENGINES):
        return PreparedBatches(open_choice(bundle, choice, threads), spec, cameras)
    from slsg_edge.runtime.engine_choice import open_engine

    return open_engine(choice.model, spec, ChainOptions(batch=cameras, exact=False))
