"""From a PLC's request to the verdict in its register, through a whole line."""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slsg_edge.bench.camera import free_port, pictures_of
from slsg_edge.bench.running import QUIET, Verdicts, running_line, station_text
from slsg_edge.errors import ConfigError, MissingDependency
from slsg_edge.line.sinks.modbus_registers import BLOCK, block_of

if TYPE_CHECKING:
    from pymodbus.client import ModbusTcpClient

_WARM_UP = 3
_PATIENCE = 30.0  # seconds for a verdict
_LOOK_EVERY = 0.0005  # seconds between two looks at the registers: a PLC looks less often


@dataclass(frozen=True, slots=True)
class RequestLatency:
    """Milliseconds of a folder's picture, whose file is read in that time too.

    added: less the inference.
    """

    total_median: float
    added_median: float
    added_longest: float


def request_latency(bundle: Path, requests: int) -> RequestLatency:
    """MissingDependency without pymodbus."""
    try:
        from pymodbus.client import ModbusTcpClient
    except ImportError as error:
        raise MissingDependency("pymodbus", extra="station") from error
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="slsg-edge-bench-") as folder:
        _write_pictures(Path(folder), bundle, requests + _WARM_UP)
        trigger = 'trigger = { kind = "modbus", coil = 0, patience_ms = 20000 }\n'
        text = f"{QUIET}[[modbus]]\nport = {port}\n" + station_text("s", folder, bundle, trigger)
        with running_line(text) as verdicts, ModbusTcpClient("127.0.0.1", port=port) as client:
            measured = [_asked(client, verdicts) for _ in range(requests + _WARM_UP)]
    total, added = zip(*measured[_WARM_UP:], strict=True)
    return RequestLatency(statistics.median(total), statistics.median(added), max(added))


def _write_pictures(folder: Path, bundle: Path, count: int) -> None:
    pictures = pictures_of(bundle)
    for index in range(count):
        (folder / f"{index:05d}.jpg").write_bytes(pictures[index % len(pictures)])


def _asked(client: "ModbusTcpClient", verdicts: Verdicts) -> tuple[float, float]:
    """Milliseconds in all, and less the inference."""
    before = _sequence(client)
    at = time.monotonic()
    _wait(lambda: not client.write_coil(0, True).isError())  # refused until the station is there
    _wait(lambda: _sequence(client) != before)
    total = (time.monotonic() - at) * 1000
    stored = verdicts.wait(lambda record: record.sequence == before + 1, _PATIENCE)
    if stored is None or stored[0].score is None:
        raise ConfigError(
            "A request of the measurement was answered without an inspection.",
            fix="Run `slsg-edge verify` on the bundle.",
        )
    _wait(lambda: not client.read_coils(0, count=1).bits[0])
    return total, total - stored[0].latency_ms["detect"]


def _sequence(client: "ModbusTcpClient") -> int:
    return block_of(client.read_holding_registers(0, count=BLOCK).registers).sequence


def _wait(fits: Callable[[], bool]) -> None:
    ends = time.monotonic() + _PATIENCE
    while not fits():
        if time.monotonic() > ends:
            raise ConfigError(
                f"The line answered no request within {_PATIENCE:g} s.",
                fix="Run the command again on a quiet machine.",
            )
        time.sleep(_LOOK_EVERY)
