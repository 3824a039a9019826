"""The chosen model of a bundle for several cameras at once, whatever runs it.

It is trusted as `judged.open_judged` trusts it: it has given its golden answers on this machine,
and a frame of another size or without a picture is refused.
"""

import functools
from typing import TYPE_CHECKING

from slsg_edge.bundle.folder import Bundle
from slsg_edge.runtime.batching import (
    BatchDetector,
    PreparedBatches,
    SharedDetector,
    SharingOptions,
)
from slsg_edge.runtime.detector import BackendChoice, choose, open_choice
from slsg_edge.runtime.frame_check import FrameCheck, frame_check_of
from slsg_edge.runtime.golden_check import open_trusted
from slsg_edge.runtime.gpu.chain import ChainOptions
from slsg_edge.scoring import Threshold

if TYPE_CHECKING:
    from slsg_edge.runtime.tensorrt import TensorRtDetector

_ENGINES = "tensorrt-"


def open_shared(
    bundle: Bundle,
    cameras: int,
    backend: str | None = None,
    *,
    threads: int | None = None,
    patience: float = 0.0,
    any_size: bool = False,
) -> SharedDetector:
    """One detector for the threads of several cameras; close it from any of them.

    cameras: how many may wait at the same time.
    backend: what runs the model; None takes the best that is ready here.
    threads: of the CPU; None takes one per core.
    patience: seconds that a frame waits for others to go along with it.
    any_size: frames of another size than that of the training are scaled, not refused.

    Frames that wait at the same time go as one batch, as large as an engine's profile allows.
    BundleError when the model does not answer its golden frames in time, UntrustedBundle when it
    gives other answers than the trained network. `detect` raises FaultyFrame for a frame that may
    not be inspected.
    """
    options, check = SharingOptions(cameras, patience), frame_check_of(bundle, any_size=any_size)
    return share_choice(bundle, choose(bundle, backend), options, threads, check=check)


def share_choice(
    bundle: Bundle,
    choice: BackendChoice,
    options: SharingOptions,
    threads: int | None = None,
    *,
    judging: Threshold | None = None,
    check: FrameCheck | None = None,
) -> SharedDetector:
    """As `open_shared`, with a backend that was chosen already.

    judging: the threshold that its scores will be judged by; BundleError then where it is the
    reference's and they moved too far for it. check: None takes that of `open_shared`.
    """

    def opened() -> BatchDetector:
        return _open(bundle, choice, options.cameras, threads, judging)

    return SharedDetector(opened, options, check or frame_check_of(bundle))


def _open(
    bundle: Bundle,
    choice: BackendChoice,
    cameras: int,
    threads: int | None,
    judging: Threshold | None,
) -> BatchDetector:
    spec = bundle.manifest.preprocessing
    if not choice.backend.startswith(_ENGINES):
        opening = functools.partial(open_choice, bundle, choice, threads)
        return PreparedBatches(open_trusted(bundle, choice, opening, judging), spec, cameras)
    from slsg_edge.runtime.engine_choice import engine_from, open_engine

    batches = ChainOptions(batch=cameras, exact=False)

    def opened() -> "TensorRtDetector":
        return open_engine(engine_from(bundle, choice.model), spec, batches)

    return open_trusted(bundle, choice, opened, judging)
