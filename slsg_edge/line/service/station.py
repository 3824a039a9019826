"""One station: the frames of its source, inspected, and their verdicts given to the outbox.

It runs in a thread of its own and ends only when it is stopped: whatever is raised in it becomes
an `undecided` verdict, and it goes on.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

from slsg_edge.contracts import Fault, Frame
from slsg_edge.errors import SlsgError
from slsg_edge.line.records import Inspection
from slsg_edge.line.service.course import Course
from slsg_edge.line.service.detectors import Opened
from slsg_edge.line.service.live_options import live_options
from slsg_edge.line.service.parts import Parts
from slsg_edge.line.service.setup import Equipment, Setup
from slsg_edge.line.service.status import SourceState, StationBoard, StationStatus
from slsg_edge.line.settings.line import StationSettings
from slsg_edge.line.sources.source import FrameSource, open_source
from slsg_edge.line.triggers.trigger import Trigger
from slsg_edge.line.triggers.triggers import trigger_of
from slsg_edge.line.watching import inspection_of
from slsg_edge.runtime.reasons import described, one_line

_PAUSES = (0.2, 0.5, 1.0, 2.0)  # seconds until a source that could not be opened is tried again
_JOIN = 3.0  # seconds
_SLACK = 5.0  # seconds beyond its limit after which a station without a verdict hangs


class Station:
    """Starts when it is made."""

    def __init__(self, setup: Setup, equipment: Equipment) -> None:
        self._setup, self._line = setup, equipment
        settings = setup.settings
        self.board = StationBoard(settings.name)
        self._sequence = equipment.outbox.last_sequence(settings.name)
        self._course = Course()
        self._begun = time.monotonic()
        self._parts = Parts(equipment.awaited)
        self._next: Setup | None = None
        self._lock = threading.Lock()
        self._stop, self._reopen = threading.Event(), threading.Event()
        self._in_use: tuple[FrameSource, Trigger] | None = None
        self._tell_opened()
        self._thread = threading.Thread(
            target=self._run, name=f"station {settings.name}", daemon=True
        )
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether verdicts come, or nobody asks for any."""
        now, in_use = self.board.now, self._in_use
        if not self._thread.is_alive():
            return False
        if now.state == "ended" or (in_use is not None and in_use[1].idle):
            return True
        since = time.monotonic() - (now.moving or self._begun)
        return since < self.settings.limits.silent_ms / 1000 + _SLACK

    @property
    def ended(self) -> bool:
        return self.board.now.state == "ended"

    @property
    def settings(self) -> StationSettings:
        return self._setup.settings

    @property
    def opened(self) -> Opened:
        return self._setup.opened

    def change(self, setup: Setup) -> None:
        """From the next frame on; the source is opened anew only where its settings changed."""
        with self._lock:
            old, self._next = self._next, setup
        if old is not None:
            old.close()
        if _source_of(setup.settings) != _source_of(self.settings) or self.ended:
            self._reopen.set()
            self._let_go()

    def look(self) -> None:
        """Lets go of the parts whose verdicts are on the disk by now."""
        self._parts.look()

    def stop(self) -> None:
        """Asks it to end; `join` waits for that."""
        self._stop.set()
        self._reopen.set()
        self._let_go()

    def join(self) -> bool:
        """Within three seconds; whether it has ended."""
        self._thread.join(_JOIN)
        if self._thread.is_alive():
            return False
        self._take_change()
        self._setup.close()
        return True

    def status(self) -> StationStatus:
        status, in_use = self.board.snapshot(), self._in_use
        if self._setup.drift is not None:
            status = replace(status, drift_evidence=self._setup.drift.describe())
        if in_use is None:
            return status
        source, trigger = in_use
        detail = (self.state == "lost" and trouble_of(trigger)) or status.detail
        return replace(
            status,
            state=self.state,
            detail=detail,
            skipped=trigger.skipped,
            dropped=source.dropped,
        )

    @property
    def state(self) -> SourceState:
        """Also while nobody asks: a camera that is lost then is no station that waits."""
        now, in_use = self.board.now, self._in_use
        if in_use is None or not in_use[1].idle or now.state not in ("starting", "ok", "lost"):
            return now.state
        return "lost" if trouble_of(in_use[1]) else "idle"

    def _let_go(self) -> None:
        in_use = self._in_use
        if in_use is not None:
            in_use[1].close()
            in_use[0].close()

    def _run(self) -> None:
        attempt = 0
        while not self._stop.is_set():
            self._reopen.clear()
            self._take_change()
            before = self._sequence
            try:
                self._session()
                attempt = 0
            # Nobody would start this thread again, so it outlives whatever is raised in it.
            except Exception as error:
                attempt = 0 if self._sequence > before else attempt + 1
                self._refused(error)
                self._reopen.wait(_PAUSES[min(attempt, len(_PAUSES) - 1)])
        self.board.tell(state="stopped")

    def _session(self) -> None:
        """A source from its opening to its end, to a change of it, or to the end of the station."""
        with ExitStack() as stack:
            trigger = stack.enter_context(
                closing(trigger_of(self.settings.trigger, self._setup.requests))
            )
            source = stack.enter_context(self._open_source())
            self._in_use = source, trigger
            if self._leaving():  # asked while it was being opened
                return
            try:
                for frame in self._frames(source, trigger):
                    self._take_change()
                    self._inspect(frame, source)
            finally:
                self._in_use = None
        if not self._leaving():
            self._tell("ended", "every frame was inspected")
            self._reopen.wait()

    def _frames(self, source: FrameSource, trigger: Trigger) -> Iterator[Frame]:
        for frame in trigger.chosen(source):
            if self._leaving():
                return
            yield frame

    def _leaving(self) -> bool:
        return self._stop.is_set() or self._reopen.is_set()

    def _open_source(self) -> FrameSource:
        settings, name = self.settings, self.settings.name
        options = live_options(settings)
        depth = self.opened.bundle.manifest.preprocessing.depth
        outbox = self._line.outbox
        return open_source(
            settings.source, options, depth, skip=lambda part: outbox.seen(name, part)
        )

    def _refused(self, error: Exception) -> None:
        """A source that cannot be opened, or fails otherwise than by a frame that says so."""
        text = error.what if isinstance(error, SlsgError) else described(error)
        now = time.time(), time.monotonic()
        fault = Fault("no_frame", one_line(text))
        self._inspect(Frame(0, self.settings.name, *now, fault=fault), None)

    def _take_change(self) -> None:
        with self._lock:
            change, self._next = self._next, None
        if change is None:
            return
        old, self._setup = self._setup, change
        self._course.failures = 0
        old.close()
        self._tell_opened()
        self._event("started", "changed", f"{self.settings.name} runs {self._bundle_text()}")

    def _tell_opened(self) -> None:
        judged = self.opened.judged
        self.board.tell(
            ready=True,
            bundle=judged.fingerprint,
            backend=judged.choice.backend if judged.choice else "",
            threshold=judged.threshold.value,
            undecided_above=judged.threshold.undecided_above,
        )

    def _bundle_text(self) -> str:
        return f"{self.opened.bundle.path.name} ({self.opened.judged.fingerprint})"

    def _inspect(self, frame: Frame, source: FrameSource | None) -> None:
        inspection = inspection_of(frame, self.opened.judged)
        monitor = self._setup.drift
        drift = monitor.observe(inspection) if monitor else ()
        self._sequence += 1
        record = replace(
            inspection.record, station=self.settings.name, sequence=self._sequence, drift=drift
        )
        image = self._line.pictures.path_for(record, frame.image is not None)
        inspection = replace(inspection, record=replace(record, image=image))
        self._give_out(inspection, source)
        self._note(inspection, drift)
        self._line.inspected(inspection, self.opened.bundle.path)

    def _give_out(self, inspection: Inspection, source: FrameSource | None) -> None:
        record, part = inspection.record, inspection.frame.part
        self._line.awaited.expect(inspection, self.board, self.settings.limits.latency_ms)
        pending = self._line.outbox.put(record, part)
        if record.image is not None:
            preprocessing = self.opened.bundle.manifest.preprocessing
            self._line.pictures.keep(inspection, preprocessing)
        if part is not None:
            self._parts.add(pending, record.id, part, getattr(source, "done", None))
        self._parts.look()

    def _note(self, inspection: Inspection, drift: tuple[str, ...]) -> None:
        record = inspection.record
        before = self._course.state
        state = self._course.after(record)
        detail = record.detail or record.reason or ""
        if state != before:
            self._tell(state, "" if state == "ok" else detail, came_back=before == "lost")
        if drift != self.board.now.drift:
            self.board.tell(drift=drift)
            if drift:
                self._event("drift", "drifting", f"good parts look otherwise: {', '.join(drift)}")
        if self._course.failures >= self.settings.limits.failures:
            self._course.failures = 0
            self._line.wants_renewal(self.settings.name)

    def _tell(self, state: SourceState, detail: str, *, came_back: bool = False) -> None:
        reconnects = self.board.now.reconnects + came_back
        self.board.tell(state=state, detail=detail, reconnects=reconnects)
        kind = "detector" if state == "failing" else "source"
        self._event(kind, state, detail or f"{self.settings.name} is inspected")

    def _event(self, kind: str, state: str, text: str) -> None:
        self._line.outbox.event(kind, self.settings.name, state, text)  # type: ignore[arg-type]


def _source_of(settings: StationSettings) -> tuple[object, ...]:
    """What a source and its trigger are opened by."""
    return settings.source, settings.trigger, settings.limits, settings.snapshot_ms


def trouble_of(trigger: Trigger) -> str | None:
    """Why the camera of a trigger that waits gives no picture; None where it does."""
    return getattr(trigger, "trouble", None)
