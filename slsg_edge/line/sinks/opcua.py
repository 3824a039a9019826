"""An OPC UA server: the newest verdict of each station, read-only, for whoever connects."""

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from slsg_edge.errors import MissingDependency
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.service.status import SourceState
from slsg_edge.line.settings.sinks import OpcUaSettings
from slsg_edge.line.sinks.listening import cannot_listen, check_free
from slsg_edge.line.sinks.loop_thread import LoopThread
from slsg_edge.line.sinks.modbus_registers import state_of
from slsg_edge.line.sinks.opcua_nodes import NAMESPACE, StationNodes, add_station, named

if TYPE_CHECKING:
    from asyncua.server.server import Server

_PATIENCE = 60.0  # seconds until the standard's own nodes are there, on a busy machine
_WRITING = 2.0
_PATH = "/slsg-edge"


class OpcUaDisplay:
    """Nobody can write to it or add to it. ConfigError when nothing can listen there.

    states: how stations are doing, asked at each beat; those it does not name show what their last
    verdict says.
    """

    def __init__(self, settings: OpcUaSettings, line: str, stations: Sequence[str]) -> None:
        self.name = settings.name
        check_free("OPC UA", settings.name, settings.host, settings.port)
        self._loop = LoopThread(settings.name)
        self._server: Server | None = None
        self._stations: Mapping[str, StationNodes] = {}
        self.states: Callable[[], Mapping[str, SourceState]] = dict
        self._told: dict[str, SourceState] = {}
        try:
            self._loop.run(self._start(settings, line, stations), _PATIENCE)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                where = settings.name, settings.host, settings.port
                raise cannot_listen("OPC UA", *where, error) from error
            raise

    @property
    def url(self) -> str:
        """Where it listens, also where the settings leave the choice to the system."""
        server: Any = self._server
        host, port = server.bserver._server.sockets[0].getsockname()[:2]
        return f"opc.tcp://{host}:{port}{_PATH}"

    def show(self, stored: Stored) -> None:
        name = stored.record.station
        station = self._stations.get(name)
        if station is not None:
            self._write(station.show(stored, self._told.get(name) or state_of(stored)))

    def beat(self) -> None:
        for station, state in self.states().items():
            self.tell(station, state)
        self._write(self._beat())

    def tell(self, station: str, state: SourceState) -> None:
        """How a station is doing, also while it has no verdict."""
        if station in self._stations and self._told.get(station) != state:
            self._write(self._stations[station].tell(state))
            self._told[station] = state

    def name_recipe(self, station: str, name: str) -> None:
        """What people call the bundle that is loaded."""
        if station in self._stations:
            self._write(self._stations[station].name_recipe(name))

    def close(self) -> None:
        if self._server is not None:
            with suppress(Exception):
                self._loop.run(self._server.stop(), 1)
        self._loop.close()

    def _write(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self._loop.run(work, _WRITING)
        except OSError:
            raise
        except Exception as error:  # whatever asyncua raises
            raise OSError(f"OPC UA '{self.name}' cannot be written to: {error}") from error

    async def _beat(self) -> None:
        for station in self._stations.values():
            await station.beat()

    async def _start(self, settings: OpcUaSettings, line: str, stations: Sequence[str]) -> None:
        try:
            from asyncua import ua
            from asyncua.server.server import Server
        except ImportError as error:
            raise MissingDependency("asyncua", extra="opcua") from error
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # or strangers fill the log
        server = Server()
        server.iserver.allow_remote_admin = False
        await server.init()
        server.set_endpoint(f"opc.tcp://{settings.host}:{settings.port}{_PATH}")
        server.set_server_name(f"slsg-edge {line}")
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        index = await server.register_namespace(NAMESPACE)
        root = await server.nodes.objects.add_object(*named(f"line:{line}", line, index))
        self._stations = {station: await add_station(root, index, station) for station in stations}
        await server.start()
        self._server = server
