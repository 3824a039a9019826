"""The dashboard as one web application, for `HttpServer`."""

from pathlib import Path
from typing import TYPE_CHECKING

from slsg_edge.errors import MissingDependency
from slsg_edge.line.dashboard.door import Door, Verdicts

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["Door", "Verdicts", "make_app"]


def make_app(door: Door, folder: Path, token: str | None) -> "Starlette":
    """Pages, health, metrics and status of a line.

    folder: of the line; pictures are read below it, labelled ones and the audit log written there.
    token: what everybody must give who changes something; without one nobody can.
    MissingDependency where Starlette or the Prometheus client is not installed.
    """
    try:
        from slsg_edge.line.dashboard.routes import application
    except ModuleNotFoundError as error:
        raise MissingDependency(error.name or "starlette", extra="station") from error
    return application(door, folder, token or None)
