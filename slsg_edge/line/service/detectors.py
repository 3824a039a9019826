"""The detectors of a line: stations that run the same model share one."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.opening import trusted_bundle
from slsg_edge.bundle.region import fingerprint_of, with_region
from slsg_edge.bundle.thresholds import judging_threshold_name, threshold_of
from slsg_edge.contracts import Image, Prediction
from slsg_edge.errors import SlsgError
from slsg_edge.images import UsualFrames
from slsg_edge.line.settings.line import StationSettings
from slsg_edge.preprocessing import Roi, cut
from slsg_edge.runtime.batching import SharedDetector, SharingOptions
from slsg_edge.runtime.detector import BackendChoice, choose
from slsg_edge.runtime.frame_check import FrameCheck, frame_check_of
from slsg_edge.runtime.judged import Judged, map_shape_of
from slsg_edge.runtime.sharing import share_choice
from slsg_edge.scoring import Threshold

_DEADLINE = 10.0  # seconds after which a call of a detector counts as hanging


@dataclass(frozen=True, slots=True)
class Model:
    """What two stations must have in common to share a detector: the file that runs, and how."""

    path: str
    digest: str
    backend: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A station's bundle, ready to judge its frames. bundle: with the station's region."""

    bundle: Bundle
    judged: Judged
    shared: "Shared"


class RegionDetector:
    """A shared detector for one station, which looks at its own region."""

    def __init__(
        self, detector: SharedDetector, roi: Roi | None, close: Callable[[], None]
    ) -> None:
        self._detector, self._roi, self._close = detector, roi, close
        self.name = detector.name

    def detect(self, frame: Image) -> Prediction:
        return self._detector.detect(cut(frame, self._roi))

    def close(self) -> None:
        """The shared detector is closed with the last station's."""
        close, self._close = self._close, _nothing
        close()


@dataclass(slots=True, eq=False)
class Shared:
    """A detector, and how many stations use it."""

    model: Model
    detector: SharedDetector
    users: int = 0


class Detectors:
    """Opens a detector for each model that the stations of a line run.

    cameras: how many stations there are at most. threads: of the CPU for each detector; None takes
    one for each core.
    """

    def __init__(self, cameras: int, threads: int | None = None) -> None:
        self._cameras, self._threads = max(1, cameras), threads
        self._shared: dict[Model, Shared] = {}
        self._lock = threading.Lock()

    def open(self, station: StationSettings) -> Opened:
        """Whatever `trusted_bundle` and `open_judged` raise. Its golden frames have passed then."""
        bundle = trusted_bundle(station.bundle)
        choice = choose(bundle, station.backend)
        threshold = threshold_of(bundle, judging_threshold_name(bundle, choice.backend))
        model = _model_of(bundle, choice)
        with self._lock:
            shared = self._shared.get(model)
            if shared is None:
                shared = Shared(model, self._open(bundle, choice, threshold))
                self._shared[model] = shared
            shared.users += 1
        return self._ready(station, bundle, choice, threshold, shared)

    def forget(self, opened: Opened) -> bool:
        """The next station that opens this model gets a new detector, not this one; whether this
        one was in use until now. Stations that have it go on with it.
        """
        with self._lock:
            known = self._shared.get(opened.shared.model) is opened.shared
            if known:
                del self._shared[opened.shared.model]
        return known

    def _ready(
        self,
        station: StationSettings,
        bundle: Bundle,
        choice: BackendChoice,
        threshold: Threshold,
        shared: Shared,
    ) -> Opened:
        roi = Roi(*station.roi) if station.roi else bundle.manifest.preprocessing.roi
        bundle = with_region(bundle, roi)
        detector = RegionDetector(shared.detector, roi, lambda: self._left(shared))
        judged = Judged(
            detector,
            threshold,
            map_shape_of(bundle),
            choice,
            fingerprint_of(bundle),
            frame_check_of(bundle, any_size=station.any_size),
        )
        return Opened(bundle, judged, shared)

    def _open(self, bundle: Bundle, choice: BackendChoice, threshold: Threshold) -> SharedDetector:
        whole = with_region(bundle, None)  # each station cuts its own region out
        anything = FrameCheck(UsualFrames(), whole.manifest.preprocessing, any_size=True)
        options = SharingOptions(self._cameras, deadline=_DEADLINE)
        return share_choice(
            whole, choice, options, self._threads, judging=threshold, check=anything
        )

    def _left(self, shared: Shared) -> None:
        with self._lock:
            shared.users -= 1
            last = shared.users == 0
            if last and self._shared.get(shared.model) is shared:
                del self._shared[shared.model]
        if last:
            with suppress(SlsgError):  # what ended its thread was told with each frame
                shared.detector.close()


def _model_of(bundle: Bundle, choice: BackendChoice) -> Model:
    name = choice.model.relative_to(bundle.path).as_posix()
    stages = bundle.manifest.stages.values()
    digest = next(stage.outputs[name] for stage in stages if name in stage.outputs)
    return Model(str(bundle.path.resolve()), digest, choice.backend)


def _nothing() -> None:
    """Closed already."""
