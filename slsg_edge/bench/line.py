"""What a line adds to inference, from the frame to its verdict on the disk.

Test pictures come at a steady pace, slow enough that no frame waits for the one before it.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from slsg_edge.bench.camera_faults import CameraFaults, camera_faults
from slsg_edge.bench.line_costs import LineCosts, line_costs
from slsg_edge.bench.request import RequestLatency, request_latency
from slsg_edge.bench.running import QUIET, running_line, station_text
from slsg_edge.bundle.folder import Bundle, open_bundle
from slsg_edge.bundle.golden import golden_from
from slsg_edge.bundle.plan import GOLDEN_FILE
from slsg_edge.errors import CameraError
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.records import Record, new_id
from slsg_edge.machine.host import Machine, machine
from slsg_edge.runtime.judged import open_judged

_WARM_UP = 10  # verdicts that are not counted
_THROUGHPUT = 5000  # verdicts
_PACE = 4  # times the bare inference of all stations between two frames
_FEWER = 4  # verdicts for one request of a PLC
_REPEATS = 5  # of each fault
_STATIONS = 4  # whose memory is compared with that of one
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
    to having it there. The rest: None where only latencies were asked for.
    """

    machine: Machine
    latencies: tuple[LineLatency, ...]
    per_second: float
    slowest_ms: float
    request: RequestLatency | None = None
    camera: CameraFaults | None = None
    costs: LineCosts | None = None


def line_benchmark(
    bundle: Path,
    stations: tuple[int, ...],
    verdicts: int,
    notify: Callable[[str], None],
    faults: bool = True,
) -> LineBenchmark:
    """faults: also a PLC's requests, a camera that goes and comes, and what a line takes of the
    machine.

    BundleError or ConfigError where the bundle cannot run here.
    """
    opened = open_bundle(bundle)
    bare = _bare(opened)
    notify(f"bare inference {bare:.2f} ms")
    latencies = []
    for count in stations:
        notify(f"{count} stations, {verdicts} verdicts ...")
        latencies.append(_latency(opened, count, verdicts, bare))
    result = LineBenchmark(machine(), tuple(latencies), *_throughput())
    if not faults:
        return result
    notify(f"{verdicts // _FEWER} requests of a PLC ...")
    request = request_latency(bundle, verdicts // _FEWER)
    notify(f"a camera that goes and comes, {_REPEATS} times ...")
    camera = camera_faults(bundle, _REPEATS)
    notify(f"memory with 1 and {_STATIONS} cameras, processor time without any ...")
    return replace(result, request=request, camera=camera, costs=line_costs(bundle, _STATIONS))


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
    with running_line(_line_text(bundle, stations, bare)) as told:
        patience = _STALL + verdicts * bare * _PACE * stations / 1000
        found = told.some(_counts, verdicts, patience)
    if not found:
        raise CameraError(
            f"A line of {stations} stations gave no verdict in {patience:.0f} s.",
            fix="Run `slsg-edge verify` on the bundle.",
        )
    total = [(at - record.captured_monotonic) * 1000 for record, at in found]
    detect = [record.latency_ms["detect"] for record, _ in found]
    added = [whole - part for whole, part in zip(total, detect, strict=True)]
    return LineLatency(
        stations,
        len(added),
        bare,
        statistics.median(added),
        float(np.percentile(added, 99)),
        statistics.median(total),
    )


def _counts(record: Record) -> bool:
    return record.score is not None and record.sequence > _WARM_UP


def _line_text(bundle: Bundle, stations: int, bare: float) -> str:
    """Of so many stations, each with a test picture at the pace."""
    preprocessing = bundle.manifest.preprocessing
    size = f"{preprocessing.width}x{preprocessing.height}"
    rate = min(max(int(1000 / (bare * _PACE * stations)), 1), 999)
    source = f"test:{size}@{rate}"
    return QUIET + "".join(
        station_text(f"s{index}", source, bundle.path) for index in range(stations)
    )


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
