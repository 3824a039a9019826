"""A PLC on a desk: it asks for verdicts over Modbus TCP, reads them, and says what it would do.

It passes a part only for `good`, in a block whose sequence is new, from a station whose heartbeat
goes on. Everything else, silence too, is a part that is not passed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slsg_edge.errors import ConfigError, MissingDependency
from slsg_edge.line.settings.line import LineSettings, StationSettings
from slsg_edge.line.settings.sinks import ModbusSettings
from slsg_edge.line.sinks.modbus_registers import BLOCK, Block, block_of

if TYPE_CHECKING:
    from pymodbus.client import ModbusTcpClient

DEAD = 1.0  # seconds that a heartbeat may stand still
_LOOK_EVERY = 0.01
_PATIENCE = 5.0  # seconds from the request to the verdict
_ANSWER = 1.0  # seconds for one answer of the server
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a part. sequence: of the verdict, 0 where there is none."""

    passes: bool
    why: str
    sequence: int = 0
    waited_ms: float = 0.0

    def __str__(self) -> str:
        what = "PASS  " if self.passes else "REJECT"
        part = f" verdict {self.sequence}," if self.sequence else ""
        return f"{what}{part} {self.why}, after {self.waited_ms:.0f} ms"


@dataclass(frozen=True, slots=True)
class Wiring:
    """Which registers of a server are of a station. coil: None where nobody asks for verdicts."""

    host: str
    port: int
    unit: int = 1
    place: int = 0
    coil: int | None = None


class _NoAnswer(Exception):
    """Why nothing could be read or written."""


class Plc:
    def __init__(self, wiring: Wiring, patience: float = _PATIENCE) -> None:
        self._wiring, self._patience = wiring, patience
        self._client = _client(wiring)
        self._sequence: int | None = None
        self._heartbeat: int | None = None
        self._beat_at = 0.0

    def decide(self, stopped: Callable[[], bool] = lambda: False) -> Decision:
        """On one part: it asks for a verdict, or waits for the next one."""
        began = time.monotonic()
        try:
            decision = self._decide(stopped)
        except _NoAnswer as error:
            self.close()
            self._heartbeat = None
            time.sleep(_LOOK_EVERY)
            decision = Decision(False, str(error))
        waited = (time.monotonic() - began) * 1000
        return Decision(decision.passes, decision.why, decision.sequence, waited)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def __enter__(self) -> "Plc":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _decide(self, stopped: Callable[[], bool]) -> Decision:
        before = self._sequence = (
            self._read().sequence if self._sequence is None else self._sequence
        )
        self._ask()
        ends = time.monotonic() + self._patience
        while time.monotonic() < ends and not stopped():
            asked = self._is_asked()
            block = self._read()
            if self._is_dead():
                return Decision(False, f"its heartbeat has stood still for {DEAD:g} s")
            if not asked and block.sequence != before:
                self._sequence = block.sequence
                return _decision(block, block.sequence - before - 1)
            time.sleep(_LOOK_EVERY)
        return Decision(False, "no verdict came")

    def _ask(self) -> None:
        """The coil falls first, in case an earlier request was never answered."""
        if self._wiring.coil is not None:
            for value in (False, True):
                _checked(self._client.write_coil, self._wiring.coil, value, **self._to)

    def _is_asked(self) -> bool:
        if self._wiring.coil is None:
            return False
        answer = _checked(self._client.read_coils, self._wiring.coil, count=1, **self._to)
        return bool(answer.bits[0])

    def _read(self) -> Block:
        address = self._wiring.place * BLOCK
        read = self._client.read_holding_registers
        block = block_of(_checked(read, address, count=BLOCK, **self._to).registers)
        if block.heartbeat != self._heartbeat:
            self._heartbeat, self._beat_at = block.heartbeat, time.monotonic()
        return block

    def _is_dead(self) -> bool:
        return time.monotonic() - self._beat_at >= DEAD

    @property
    def _to(self) -> dict[str, int]:
        return {"device_id": self._wiring.unit}


def wiring_of(line: LineSettings, name: str | None = None) -> Wiring:
    """As a line.toml has it; the first station without a name. ConfigError where it has none."""
    station = next((one for one in line.station if name in (None, one.name)), None)
    if station is None:
        raise ConfigError(
            f"There is no station '{name}'.",
            fix=f"Stations: {', '.join(one.name for one in line.station)}.",
        )
    sink = _sink_of(line, station)
    coil = station.trigger.coil if station.trigger.kind == "modbus" else None
    place = [one.name for one in line.station].index(station.name)
    return Wiring(_EVERYWHERE.get(sink.host, sink.host), sink.port, sink.unit, place, coil)


def _sink_of(line: LineSettings, station: StationSettings) -> ModbusSettings:
    wanted = station.trigger.sink if station.trigger.kind == "modbus" else ""
    for sink in line.modbus:
        if wanted in ("", sink.name) and (station.sinks is None or sink.name in station.sinks):
            return sink
    raise ConfigError(
        f"Station '{station.name}' has no Modbus server that a PLC could read.",
        fix="Write a [[modbus]] table into line.toml.",
    )


def simulate_plc(
    wiring: Wiring,
    say: Callable[[str], None],
    stopped: Callable[[], bool] = lambda: False,
    parts: int | None = None,
    every: float = 1.0,
) -> tuple[int, int]:
    """Decides on part after part, and says each; how many passed, and how many did not.

    every: seconds from one request to the next, where there is a coil to ask through.
    """
    passed = rejected = 0
    with Plc(wiring) as plc:
        while not stopped() and passed + rejected != parts:
            due = time.monotonic() + (every if wiring.coil is not None else 0)
            decision = plc.decide(stopped)
            say(str(decision))
            passed, rejected = passed + decision.passes, rejected + (not decision.passes)
            while passed + rejected != parts and time.monotonic() < due and not stopped():
                time.sleep(_LOOK_EVERY)
    return passed, rejected


def _decision(block: Block, unseen: int) -> Decision:
    """unseen: verdicts that came and went between two looks."""
    score = "" if block.score is None else f", score {block.score:.3f}"
    missed = f", {unseen} before it not seen" if unseen > 0 else ""
    why = f"{block.verdict}{f' ({block.reason})' if block.reason else ''}{score}{missed}"
    return Decision(block.verdict == "good", why, block.sequence)


def _checked(call: Callable[..., Any], *arguments: Any, **others: Any) -> Any:
    from pymodbus.exceptions import ModbusException

    try:
        answer = call(*arguments, **others)
    except (ModbusException, OSError) as error:
        raise _NoAnswer("the station does not answer") from error
    if answer.isError():
        raise _NoAnswer(f"the station refuses: exception {getattr(answer, 'exception_code', '?')}")
    return answer


def _client(wiring: Wiring) -> "ModbusTcpClient":
    try:
        from pymodbus.client import ModbusTcpClient
    except ImportError as error:
        raise MissingDependency("pymodbus", extra="station") from error
    return ModbusTcpClient(wiring.host, port=wiring.port, timeout=_ANSWER, retries=0)
