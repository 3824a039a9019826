"""The web server of a line: uvicorn in a thread, without a hand on signals."""

import asyncio
import socket
import threading
from typing import TYPE_CHECKING

from slsg_edge.errors import ConfigError, MissingDependency
from slsg_edge.line.settings.line import HttpSettings

if TYPE_CHECKING:
    from starlette.applications import Starlette

_CONNECTIONS = 100  # at once: a few tablets, a scraper and a health check
_PATIENCE = 1.0  # seconds that requests under way get at the end
_JOIN = 2.0
_SILENCE = 10.0  # seconds from the connection to the end of a request's head


class HttpServer:
    """Listens from `start` to `close`; the port is taken when it is made.

    ConfigError where the address cannot be listened on.
    """

    def __init__(self, app: "Starlette", settings: HttpSettings) -> None:
        try:
            import uvicorn
        except ModuleNotFoundError as error:
            raise MissingDependency("uvicorn", extra="station") from error
        self._socket = _listening(settings)
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=_protocol(),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=round(_PATIENCE),
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    def start(self) -> None:
        """Returns at once; who connects already is answered as soon as the thread runs."""
        self._thread.start()

    def close(self) -> None:
        """Within two seconds; whoever is still connected then is cut off."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(_JOIN)
        self._socket.close()

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))


def _protocol() -> type[asyncio.Protocol]:
    """HTTP that cuts off who connects and then asks nothing: he would take another's place."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Impatient(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.loop.call_later(_SILENCE, self._end_silence)

        def _end_silence(self) -> None:
            if self.cycle is None:  # no request has come yet
                self.transport.close()

    return Impatient


def _listening(settings: HttpSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        # a line that is started again must not wait until the kernel forgets the old connections
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((settings.host, settings.port))
        found.listen(_CONNECTIONS)
    except (OSError, OverflowError) as error:
        found.close()
        raise ConfigError(
            f"The dashboard cannot listen on {settings.host}, port {settings.port}: "
            f"{getattr(error, 'strerror', None) or error}.",
            fix="Set another port or host in [http], or end what listens there.",
        ) from error
    return found
