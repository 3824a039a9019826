"""What a line adds to inference, from the frame to its verdict on the disk.

Test pictures come at a steady pace, slow enough that no frame waits for the one before it.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slsg_edge.bundle.folder import Bundle, open_bundle
from slsg_edge.bundle.golden import golden_from
from slsg_edge.bundle.plan import GOLDEN_FILE
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.records import Record, new_id
from slsg_edge.line.service.line_service import LineService
from slsg_edge.machine.host import Machine, machine
from slsg_edge.runtime.judged import open_judged

_WARM_UP = 10  # verdicts that are not counted
_THROUGHPUT = 5000  # verdicts
_PACE = 4  # times the bare inference of all stations between two frames
_STALL = 60.0  # seconds without a verdict after which the measurement ends


@dataclass(frozen=True, slots=True)
class LineLatency:
    """Milliseconds. added: from frame to verdict on the disk, less the inference."""

    stations: int
    verdicts: int
    bare: float
    added_median: float
    added_p99: float
    total_median: float


@dataclass(frozen=True, slots=True)
class LineBenchmark:
    """per_second: verdicts that one outbox puts on the disk. slowest_ms: of those, from giving one
    to having it there.
    """

    machine: Machine
    latencies: tuple[LineLatency, ...]
    per_second: float
    slowest_ms: float


def line_benchmark(
    bundle: Path, stations: tuple[int, ...], verdicts: int, notify: Callable[[str], None]
) -> LineBenchmark:
    """BundleError or ConfigError where the bundle cannot run here."""
    opened = open_bundle(bundle)
    bare = _bare(opened)
    notify(f"bare inference {bare:.2f} ms")
    latencies = []
    for count in stations:
        notify(f"{count} stations, {verdicts} verdicts ...")
        latencies.append(_latency(opened, count, verdicts, bare))
    return LineBenchmark(machine(), tuple(latencies), *_throughput())


def _bare(bundle: Bundle) -> float:
    """Median milliseconds of the detector alone."""
    frames = golden_from(bundle.content(GOLDEN_FILE)).frames
    with open_judged(bundle, any_size=True) as judged:
        times = []
        for turn in range(60):
            started = time.perf_counter()
            judged.detector.detect(frames[turn % len(frames)])
            times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times[_WARM_UP:])


def _latency(bundle: Bundle, stations: int, verdicts: int, bare: float) -> LineLatency:
    added: list[float] = []
    total: list[float] = []
    enough = threading.Event()

    def stored(stored: Stored) -> None:
        record = stored.record
        if record.score is None or record.sequence <= _WARM_UP:
            return
        taken = (time.monotonic() - record.captured_monotonic) * 1000
        total.append(taken)
        added.append(taken - record.latency_ms["detect"])
        if len(added) >= verdicts:
            enough.set()

    with tempfile.TemporaryDirectory(prefix="slsg-edge-bench-") as folder:
        line = _write_line(Path(folder), bundle, stations, bare)
        service = LineService(line, lambda text: None)
        try:
            service.outbox.subscribe(stored)
            running = threading.Thread(target=service.run, daemon=True)
            running.start()
            enough.wait(_STALL + verdicts * bare * _PACE * stations / 1000)
            service.stop()
            running.join(5)
        finally:
            service.close()
    return LineLatency(
        stations,
        len(added),
        bare,
        statistics.median(added),
        float(np.percentile(added, 99)),
        statistics.median(total),
    )


def _write_line(folder: Path, bundle: Bundle, stations: int, bare: float) -> Path:
    """Of so many stations, each with a test picture at the pace."""
    preprocessing = bundle.manifest.preprocessing
    size = f"{preprocessing.width}x{preprocessing.height}"
    rate = min(max(int(1000 / (bare * _PACE * stations)), 1), 999)
    text = ["[http]\nenabled = false\n[keep]\nrejects = false\n[drift]\nenabled = false\n"]
    for index in range(stations):
        text.append(
            f'[[station]]\nname = "s{index}"\nsource = "test:{size}@{rate}"\n'
            f'bundle = "{bundle.path.resolve()}"\nany_size = true\n'
        )
    path = folder / "line.toml"
    path.write_text("".join(text))
    return path


def _throughput() -> tuple[float, float]:
    """Verdicts a second that one outbox puts on the disk, and the slowest of them in ms."""
    waits: list[float] = []
    given: dict[str, float] = {}

    def stored(stored: Stored) -> None:
        waits.append((time.monotonic() - given[stored.record.id]) * 1000)

    with tempfile.TemporaryDirectory(prefix="slsg-edge-bench-") as folder:
        outbox = Outbox(Path(folder), lambda text: None)
        try:
            outbox.subscribe(stored)
            started = time.monotonic()
            for index in range(_THROUGHPUT):
                record = _record(index)
                given[record.id] = time.monotonic()
                outbox.put(record)
                time.sleep(max(0.0, started + index / 2000 - time.monotonic()))
            outbox.flush(_STALL)
            seconds = time.monotonic() - started
        finally:
            outbox.close()
    return _THROUGHPUT / seconds, max(waits)


def _record(index: int) -> Record:
    return Record(
        index=index,
        origin="bench",
        captured_at="2026-01-01T00:00:00.000+00:00",
        captured_monotonic=time.monotonic(),
        age_ms=10.0,
        verdict="good",
        score=0.1,
        threshold=0.5,
        p_value=0.5,
        reason=None,
        detail=None,
        latency_ms={"detect": 10.0, "judge": 0.1},
        bundle="0" * 16,
        id=new_id(),
        station="bench",
        sequence=index + 1,
    )
