"""Which path is answered by what."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from slsg_edge.errors import SlsgError
from slsg_edge.line.dashboard.access import Access
from slsg_edge.line.dashboard.audit import AUDIT_FILE, AuditLog
from slsg_edge.line.dashboard.changes import Changes
from slsg_edge.line.dashboard.desk import Desk, Posting, Refused, answer_error, answer_refused
from slsg_edge.line.dashboard.door import Door
from slsg_edge.line.dashboard.gpus import Gpus
from slsg_edge.line.dashboard.guard import Guard, hosts_of
from slsg_edge.line.dashboard.metrics import registry_of
from slsg_edge.line.dashboard.pictures import KeptFiles
from slsg_edge.line.dashboard.reviewed import ReviewedFolder
from slsg_edge.line.dashboard.views import Views


def application(door: Door, folder: Path, token: str | None) -> Starlette:
    cookie = f"slsg-edge-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]}"
    desk = Desk(door, folder, Access(token, cookie), AuditLog(folder / AUDIT_FILE))
    kept = KeptFiles(folder)
    reviewed = ReviewedFolder(folder, kept)
    views = Views(desk, kept, reviewed)
    return Starlette(
        routes=[
            *_looks(views),
            Route("/metrics", _metrics(door), methods=["GET"]),
            *_posts(Changes(desk, views, reviewed)),
        ],
        middleware=[Middleware(Guard, hosts=hosts_of(door.settings().http.host))],
        exception_handlers={
            Refused: answer_refused(desk),
            SlsgError: answer_error(desk),
            HTTPException: _answer_unknown(desk),
        },
    )


def _looks(views: Views) -> list[Route]:
    paths = {
        "/": views.line,
        "/health/live": views.alive,
        "/health/ready": views.ready,
        "/api/status": views.status,
        "/stations/{name}": views.station,
        "/stations/{name}/picture.jpg": views.picture,
        "/stations/{name}/threshold": views.threshold,
        "/rejects": views.rejects,
        "/rejects/{id}": views.reject,
        "/pictures/{id}": views.kept_picture,
        "/events": views.events,
        "/audit": views.audit,
        "/enter": views.enter,
        "/static/{name}": views.static,
    }
    return [Route(path, look, methods=["GET"]) for path, look in paths.items()]


def _posts(changes: Changes) -> list[Route]:
    paths = {
        "/enter": changes.enter,
        "/leave": changes.leave,
        "/rejects/export": changes.export,
        "/rejects/{id}/label": changes.label,
        "/stations/{name}/threshold": changes.threshold,
    }
    return [Route(path, Posting(change).answer, methods=["POST"]) for path, change in paths.items()]


def _metrics(door: Door) -> Callable[[Request], Response]:
    registry = registry_of(door, Gpus())

    def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return metrics


def _answer_unknown(desk: Desk) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        text = {404: "There is no such page.", 405: "That is not done this way."}
        return desk.refusal(request, error.status_code, text.get(error.status_code, error.detail))

    return answer
