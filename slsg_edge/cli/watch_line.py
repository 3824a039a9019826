"""`slsg-edge watch line.toml`: a whole line, until it is told to end."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from slsg_edge.cli.text import say

if TYPE_CHECKING:
    from slsg_edge.line.service.line_service import Ending, LineService


def is_line(path: Path) -> bool:
    return path.suffix.lower() == ".toml"


def watch_line(path: Path, *others: object) -> None:
    """Starts itself in a fresh process where a detector cannot be had back otherwise.

    others: what was given beside the file; ConfigError where that is something.
    """
    from slsg_edge.errors import ConfigError

    if any(other is not None for other in others):
        raise ConfigError(
            f"{path} says already what is watched, and how.",
            fix=f"Give it alone: slsg-edge watch {path}; change the file for the rest.",
        )
    if _run(path) == "afresh":
        say("starting in a fresh process")
        os.execv(sys.executable, [sys.executable, "-m", "slsg_edge", "watch", str(path)])


def _run(path: Path) -> "Ending":
    from slsg_edge.line.service.line_service import LineService
    from slsg_edge.line.service.logs import configure_logging
    from slsg_edge.line.service.systemd import Notifier
    from slsg_edge.line.settings.secrets import warnings_of

    configure_logging(json=not sys.stderr.isatty())
    notifier = Notifier()
    with ExitStack() as stack:
        service = stack.enter_context(closing(LineService(path, say)))
        for warning in warnings_of(service.settings):
            say(f"warning: {warning}")
        stack.enter_context(_hangup_reloads(service.reload))
        address = _serve(stack, service)

        def tick(alive: bool) -> None:
            if alive:
                notifier.watchdog()

        def opened() -> None:
            notifier.ready()
            say(_started(service, address))

        try:
            return service.run(opened, tick)
        finally:
            notifier.stopping()


def _serve(stack: ExitStack, service: "LineService") -> str | None:
    """Where the page is; None where none is wanted."""
    settings = service.settings.http
    if not settings.enabled:
        return None
    from slsg_edge.line.dashboard.app import make_app
    from slsg_edge.line.dashboard.serving import HttpServer
    from slsg_edge.line.service.door import LineDoor
    from slsg_edge.line.sources.addresses import with_secrets

    token = with_secrets(settings.token) if settings.token else None
    app = make_app(LineDoor(service), service.settings.folder, token)
    server = HttpServer(app, settings)
    server.start()
    stack.enter_context(closing(server))
    return f"http://{settings.host}:{server.port}"


def _started(service: "LineService", address: str | None) -> str:
    stations = service.stations.statuses()
    ready = sum(station.ready for station in stations)
    page = f"; page: {address}" if address else ""
    return f"{service.settings.name}: {ready} of {len(stations)} stations ready{page}"


@contextmanager
def _hangup_reloads(reload: Callable[[], None]) -> Iterator[None]:
    if not hasattr(signal, "SIGHUP"):
        yield
        return
    before = signal.signal(signal.SIGHUP, lambda *_: reload())
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
