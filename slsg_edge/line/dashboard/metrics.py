"""What Prometheus reads. Every scrape is a snapshot; nothing is counted here."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, get_args

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from slsg_edge.contracts import Outcome
from slsg_edge.line.dashboard.door import Door
from slsg_edge.line.dashboard.gpus import Gpu
from slsg_edge.line.dashboard.summary import since_verdict
from slsg_edge.line.service.status import LineStatus, SourceState, StationStatus
from slsg_edge.machine.versions import tool_versions

_PREFIX = "slsg_edge_"


class _Count(NamedTuple):
    """A counter of a station that is a field of its status."""

    name: str
    text: str
    of: Callable[[StationStatus], float]


_COUNTS = (
    _Count("frames_skipped", "Frames that the rule `every` left out.", lambda one: one.skipped),
    _Count("frames_dropped", "Frames that a newer one replaced.", lambda one: one.dropped),
    _Count("source_reconnects", "How often the source came back.", lambda one: one.reconnects),
    _Count("detector_restarts", "How often the detector was opened again.", lambda o: o.restarts),
    _Count("verdicts_late", "Verdicts that took longer than the limit.", lambda one: one.late),
)


class LineCollector(Collector):
    """The status of a line as metrics."""

    def __init__(self, door: Door, gpus: Callable[[], list[Gpu]]) -> None:
        self._door, self._gpus = door, gpus

    def describe(self) -> list[Metric]:
        """None, so that nobody is asked before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        status = self._door.status()
        yield from _line(status, self._door.outbox().trouble)
        yield from _stations(status)
        yield from _counters(status)
        yield from _latencies(status)
        yield from _sinks(status)
        yield from _on_gpus(self._gpus())


def registry_of(door: Door, gpus: Callable[[], list[Gpu]]) -> CollectorRegistry:
    """Of this line alone, with memory, descriptors and processor time of the process."""
    found = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=found)
    found.register(LineCollector(door, gpus))
    return found


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, text, labels=labels)


def _counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(_PREFIX + name, text, labels=labels)


def _line(status: LineStatus, trouble: str | None) -> Iterator[Metric]:
    info = _gauge("info", "Which line this is.", "line", "version")
    info.add_metric([_text(status.name), tool_versions().get("slsg-edge", "")], 1)
    yield info
    for name, text, value in (
        ("ready", "Whether every station is ready.", status.ready),
        ("started_timestamp_seconds", "When the line began.", status.started),
        ("alarms", "What a person must see to.", len(status.alarms)),
        ("outbox_trouble", "Whether verdicts cannot be stored just now.", trouble is not None),
        ("disk_free_bytes", "Room where verdicts and pictures are kept.", status.disk_free),
        ("pictures_bytes", "What kept pictures take.", status.pictures_bytes),
    ):
        yield GaugeMetricFamily(_PREFIX + name, text, value=float(value))


def _stations(status: LineStatus) -> Iterator[Metric]:
    info = _gauge("station_info", "What inspects.", "station", "bundle", "backend")
    ready = _gauge("station_ready", "Warm, with golden answers.", "station")
    state = _gauge("station_state", "1 for the state it is in.", "station", "state")
    since = _gauge("station_state_since_timestamp_seconds", "Since when.", "station")
    threshold = _gauge("threshold", "Scores above it are anomalous.", "station")
    age = _gauge("frame_age_seconds", "Age of the newest frame that has a verdict.", "station")
    silent = _gauge("verdict_age_seconds", "Time since the newest verdict.", "station")
    drift = _gauge("drift", "Whether it no longer looks as it did.", "station", "quantity")
    evidence = _gauge(
        "drift_evidence",
        "Of the test for drift: 0 is none, and at 1 it warns.",
        "station",
        "quantity",
    )
    for each in status.stations:
        info.add_metric([each.name, _text(each.bundle), _text(each.backend)], 1)
        ready.add_metric([each.name], each.ready)
        since.add_metric([each.name], each.since)
        for one in get_args(SourceState):
            state.add_metric([each.name, one], one == each.state)
        _add(threshold, each.name, each.threshold)
        _add(age, each.name, _age(each))
        _add(silent, each.name, since_verdict(each))
        for quantity in sorted({*each.drift, *each.drift_evidence}):
            drift.add_metric([each.name, _text(quantity)], quantity in each.drift)
        for quantity, value in each.drift_evidence.items():
            evidence.add_metric([each.name, quantity], value)
    yield from (info, ready, state, since, threshold, age, silent, drift, evidence)


def _counters(status: LineStatus) -> Iterator[Metric]:
    verdicts = _counter("verdicts", "Verdicts by what they say.", "station", "verdict")
    reasons = _counter("undecided", "Undecided verdicts by reason.", "station", "reason")
    for each in status.stations:
        for outcome in get_args(Outcome):
            verdicts.add_metric([each.name, outcome], each.counts.get(outcome, 0))
        for reason, number in each.reasons.items():
            reasons.add_metric([each.name, reason], number)
    yield from (verdicts, reasons)
    for count in _COUNTS:
        family = _counter(count.name, count.text, "station")
        for each in status.stations:
            family.add_metric([each.name], count.of(each))
        yield family


def _latencies(status: LineStatus) -> Iterator[Metric]:
    family = _gauge(
        "latency_seconds", "By stage, of the last 10,000 verdicts.", "station", "stage", "quantile"
    )
    for each in status.stations:
        for quantile, values in (("0.5", each.latency_p50), ("0.95", each.latency_p95)):
            for stage, milliseconds in values.items():
                family.add_metric([each.name, stage, quantile], milliseconds / 1000)
    yield family


def _sinks(status: LineStatus) -> Iterator[Metric]:
    waiting = _gauge("sink_waiting", "Verdicts that a sink has not taken yet.", "sink", "kind")
    trouble = _gauge("sink_trouble", "Whether a sink takes nothing just now.", "sink", "kind")
    taken = _counter("sink_taken", "Verdicts that a sink took.", "sink", "kind")
    failures = _counter("sink_failures", "Tries that failed.", "sink", "kind")
    for each in status.sinks:
        labels = [each.name, each.kind]
        waiting.add_metric(labels, each.waiting)
        trouble.add_metric(labels, each.trouble is not None)
        taken.add_metric(labels, each.taken)
        failures.add_metric(labels, each.failures)
    yield from (waiting, trouble, taken, failures)


def _on_gpus(found: list[Gpu]) -> Iterator[Metric]:
    clock = _gauge("gpu_clock_hertz", "Of the multiprocessors.", "gpu")
    throttled = _gauge("gpu_throttled", "Whether heat or power holds it back.", "gpu")
    degrees = _gauge("gpu_temperature_celsius", "Of the chip.", "gpu")
    for each in found:
        _add(clock, each.name, each.clock_hertz)
        _add(throttled, each.name, each.throttled)
        _add(degrees, each.name, each.celsius)
    yield from (clock, throttled, degrees)


def _add(family: GaugeMetricFamily, label: str, value: float | None) -> None:
    if value is not None:
        family.add_metric([label], value)


def _text(text: str) -> str:
    """Bytes that are no UTF-8 would spoil the whole answer."""
    return text.encode("utf-8", "backslashreplace").decode()


def _age(station: StationStatus) -> float | None:
    if station.newest is None:
        return None
    return max(0.0, time.monotonic() - station.newest.frame.captured_monotonic)
