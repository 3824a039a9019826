"""A Modbus TCP server: a PLC reads the newest verdict of each station and asks for the next.

`docs/line.md` has the table of registers. A PLC that sees the heartbeat stand still for a second
takes the station for dead.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from slsg_edge.errors import ConfigError, MissingDependency
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.service.status import SourceState
from slsg_edge.line.settings.sinks import ModbusSettings
from slsg_edge.line.sinks.listening import cannot_listen, check_free
from slsg_edge.line.sinks.loop_thread import LoopThread
from slsg_edge.line.sinks.modbus_registers import (
    BLOCK,
    HEARTBEAT,
    STATE,
    STATES,
    state_of,
    words_of,
)
from slsg_edge.line.triggers.requests import Requests

if TYPE_CHECKING:
    from pymodbus.constants import ExcCodes
    from pymodbus.server import ModbusTcpServer
    from pymodbus.simulator import SimDevice

COILS = 1024
_PATIENCE = 5.0  # seconds until a server listens or has ended
_WORD = 16  # coils that pymodbus keeps in one number
_WRITE_COILS = (5, 15)  # function codes
_READ_COILS = 1
_READ_REGISTERS = (3, 4)


class ModbusDisplay:
    """The registers; a block is exchanged as a whole, so that no read is torn.

    ConfigError when nothing can listen there. states: how stations are doing, asked at each beat;
    those it does not name show what their last verdict says.
    """

    def __init__(self, settings: ModbusSettings, stations: Sequence[str]) -> None:
        self.name = settings.name
        self._places = {station: BLOCK * at for at, station in enumerate(stations)}
        self._words = [0] * max(BLOCK * len(stations), BLOCK)
        self.states: Callable[[], Mapping[str, SourceState]] = dict
        self._states: dict[str, SourceState] = {}
        self._coils = [False] * COILS
        # weakly: those of a station that is gone would never be answered
        self._requests: dict[int, WeakSet[Requests]] = defaultdict(WeakSet)
        self._lock = threading.Lock()
        check_free("Modbus", settings.name, settings.host, settings.port)
        self._loop = LoopThread(settings.name)
        try:
            self._server = self._loop.run(self._listening(settings), _PATIENCE)
        except BaseException:
            self._loop.close()
            raise

    @property
    def port(self) -> int:
        """Where it listens, also where the settings leave the choice to the system."""
        transport: Any = self._server.transport
        return int(transport.sockets[0].getsockname()[1])

    def show(self, stored: Stored) -> None:
        station, captured = stored.record.station, stored.record.captured_monotonic
        place = self._places.get(station)
        with self._lock:
            if place is not None:
                state = self._states.get(station) or state_of(stored)
                words = words_of(stored, self._words[place + HEARTBEAT], state)
                self._words[place : place + BLOCK] = words
            self._settle(captured)

    def beat(self) -> None:
        for station, state in self.states().items():
            self.tell(station, state)
        with self._lock:
            for place in self._places.values():
                self._words[place + HEARTBEAT] = (self._words[place + HEARTBEAT] + 1) & 0xFFFF

    def tell(self, station: str, state: SourceState) -> None:
        """How a station is doing, also while it has no verdict."""
        with self._lock:
            self._states[station] = state
            if station in self._places:
                self._words[self._places[station] + STATE] = STATES[state]

    def requests(self, coil: int) -> Requests:
        """For a station that gives a verdict whenever this coil is written 1. Several may."""
        if not 0 <= coil < COILS:
            raise ConfigError(
                f"There is no coil {coil}: a trigger may have 0 to {COILS - 1}.",
                fix="Give another `coil` in line.toml.",
            )
        made = Requests()
        with self._lock:
            self._requests[coil].add(made)
        return made

    def close(self) -> None:
        with suppress(OSError):
            self._loop.run(self._ended(), 1)
        self._loop.close()

    def _settle(self, captured: float) -> None:
        """Sets back the coils whose every request has its verdict."""
        for coil, asked in self._requests.items():
            settled = [requests.settle(captured) for requests in asked]
            if any(settled) and not any(requests.open for requests in asked):
                self._coils[coil] = False

    async def _listening(self, settings: ModbusSettings) -> "ModbusTcpServer":
        try:
            from pymodbus.server import ModbusTcpServer
        except ImportError as error:
            raise MissingDependency("pymodbus", extra="station") from error
        # whoever scans the network would fill the log
        logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
        devices = [_device(settings.unit, self._act, len(self._words))]
        if settings.unit:
            devices.append(_device(0, _refuse, BLOCK))
        server = ModbusTcpServer(devices, address=(settings.host, settings.port))
        try:
            await server.serve_forever(background=True)
        except RuntimeError as error:
            raise cannot_listen("Modbus", settings.name, settings.host, settings.port) from error
        return server

    async def _ended(self) -> None:
        await self._server.shutdown()  # type: ignore[no-untyped-call]

    async def _act(
        self,
        code: int,
        _start: int,
        address: int,
        _count: int,
        current: list[int],
        written: list[int] | list[bool] | None,
    ) -> "ExcCodes | None":
        """Called in the thread of the server before each answer."""
        with self._lock:
            if code in _WRITE_COILS and written:
                return self._write(address, [bool(value) for value in written], current)
            if code == _READ_COILS:
                current[: COILS // _WORD] = self._packed()
            elif code in _READ_REGISTERS:
                current[: len(self._words)] = self._words
        return None

    def _write(self, address: int, values: list[bool], current: list[int]) -> "ExcCodes | None":
        """A coil that rises asks; one that nobody waits for is refused, so that no PLC waits."""
        from pymodbus.constants import ExcCodes

        coils = dict(enumerate(values, address))
        if any(value and not self._requests.get(coil) for coil, value in coils.items()):
            return ExcCodes.ILLEGAL_ADDRESS
        now = time.monotonic()
        for coil, value in coils.items():
            if value and not self._coils[coil]:
                for requests in self._requests[coil]:
                    requests.ask(now)
            self._coils[coil] = value
        current[: COILS // _WORD] = self._packed()
        return None

    def _packed(self) -> list[int]:
        return [
            sum(value << bit for bit, value in enumerate(self._coils[start : start + _WORD]))
            for start in range(0, COILS, _WORD)
        ]


def _device(unit: int, action: Any, registers: int) -> "SimDevice":
    from pymodbus.simulator import DataType, SimData, SimDevice

    def words(count: int) -> list[SimData]:
        return [SimData(0, count=count, datatype=DataType.REGISTERS, readonly=True)]

    coils = SimData(0, count=COILS, values=False, datatype=DataType.BITS)
    inputs = SimData(0, count=_WORD, values=False, datatype=DataType.BITS, readonly=True)
    blocks = [coils], [inputs], words(registers), words(registers)
    return SimDevice(unit, simdata=blocks, action=action)


async def _refuse(*_: object) -> "ExcCodes | None":
    """For units that this server is not."""
    from pymodbus.constants import ExcCodes

    return ExcCodes.GATEWAY_NO_RESPONSE
