"""What can be looked at."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from slsg_edge.errors import BundleError
from slsg_edge.line.dashboard.answers import json_answer
from slsg_edge.line.dashboard.desk import Desk, Refused
from slsg_edge.line.dashboard.frame import assets
from slsg_edge.line.dashboard.health import liveness, readiness
from slsg_edge.line.dashboard.line_page import line_body
from slsg_edge.line.dashboard.log_pages import audit_body, enter_body
from slsg_edge.line.dashboard.pictures import WIDTHS, KeptFiles, LivePictures, is_id
from slsg_edge.line.dashboard.rejects_page import PAGE, command_of, reject_body, rejects_body
from slsg_edge.line.dashboard.reviewed import ReviewedFolder
from slsg_edge.line.dashboard.station_page import event_table, station_body
from slsg_edge.line.dashboard.summary import summary_of
from slsg_edge.line.dashboard.threshold_page import threshold_body
from slsg_edge.line.dashboard.trial import Effect, effect_of, last_scores
from slsg_edge.line.dashboard.words import note
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.service.status import StationStatus

_EVENTS, _OF_STATION = 200, 10
_CHANGES = 200
_BACK = re.compile(r"/(?![/\\])[\w\-./?=&%]{0,200}")  # a page of ours
_KEEP = "public, max-age=31536000, immutable"  # the address changes with the content


class Views:
    """Each method answers one path."""

    def __init__(self, desk: Desk, kept: KeptFiles, reviewed: ReviewedFolder) -> None:
        self._desk, self._kept, self._reviewed = desk, kept, reviewed
        self._live = LivePictures(desk.door.bundle)

    def alive(self, _: Request) -> Response:
        door = self._desk.door
        live, told = liveness(door.status(), door.settings())
        return json_answer(told, 200 if live else 503)

    def ready(self, _: Request) -> Response:
        ready, told = readiness(self._desk.door.status())
        return json_answer(told, 200 if ready else 503)

    def status(self, _: Request) -> Response:
        door = self._desk.door
        return json_answer(summary_of(door.status(), door.outbox().trouble))

    def line(self, request: Request) -> Response:
        line = self._desk.door.status()
        return self._desk.page(request, line.name, *line_body(line), live=True)

    def station(self, request: Request) -> Response:
        station = self._desk.station(request.path_params["name"])
        heat = request.query_params.get("heat") != "0"
        events = self._desk.door.outbox().events(limit=_EVENTS)
        own = [each for each in events if each.station == station.name][:_OF_STATION]
        body = station_body(station, heat, own)
        if "changed" in request.query_params:
            body.insert(0, note("It is stored; the station takes it before its next part."))
        return self._desk.page(request, station.name, *body, live=True)

    def picture(self, request: Request) -> Response:
        """With what it shows in its headers, so that picture and verdict belong together."""
        station = self._desk.station(request.path_params["name"])
        if station.newest is None:
            return _asset("no-picture.svg")
        heat = request.query_params.get("heat") == "1"
        shot = self._live.shot(station.name, station.newest, heat)
        if shot.content is None:
            return _asset("no-picture.svg")
        headers = {"x-verdict": shot.record.verdict, "x-sequence": str(shot.record.sequence)}
        return Response(shot.content, media_type="image/jpeg", headers=headers)

    def threshold(self, request: Request) -> Response:
        door, asked = self._desk.door, request.query_params.get("value")
        line = door.status()
        station = self._desk.station(request.path_params["name"])
        scores = last_scores(station, door.outbox(), len(line.stations))
        effect = None if asked is None else _effect(station, threshold_in(asked), scores)
        access = self._desk.access
        person, sharing = access.person(request), self._sharing(station.name)
        body = threshold_body(station, scores, effect, person, access.possible, sharing)
        return self._desk.page(request, f"Threshold of {station.name}", *body)

    def rejects(self, request: Request) -> Response:
        before = request.query_params.get("before", "")
        outbox = self._desk.door.outbox()
        found = outbox.rejects(PAGE, int(before) if re.fullmatch(r"\d{1,18}", before) else None)
        can = self._desk.access.person(request) is not None
        body = rejects_body(found, outbox.labels(), self._commands(), can)
        return self._desk.page(request, "Rejects", *body)

    def reject(self, request: Request) -> Response:
        record = self.stored(request).record
        label = self._desk.door.outbox().labels().get(record.id)
        can = self._desk.access.person(request) is not None
        hot = self._kept.path_of(record.image, heat=True) is not None
        heat = hot and request.query_params.get("heat") == "1"
        title = f"{record.station}, part {record.sequence}"
        return self._desk.page(request, title, *reject_body(record, label, can, heat, hot))

    def kept_picture(self, request: Request) -> Response:
        """Only by the id of a verdict: no part of the request becomes a path."""
        record = self.stored(request).record
        query = request.query_params
        path = self._kept.path_of(record.image, heat=query.get("heat") == "1")
        widest = WIDTHS.get(query.get("size", ""))
        if path is None:
            return _asset("no-picture.svg")
        if widest is None:
            return FileResponse(path)
        shrunk = self._kept.shrunk(path, widest)
        if shrunk is None:
            return _asset("no-picture.svg")
        return Response(shrunk, media_type="image/jpeg")

    def events(self, request: Request) -> Response:
        events = self._desk.door.outbox().events(limit=_EVENTS)
        return self._desk.page(request, "Events", event_table(events))

    def audit(self, request: Request) -> Response:
        log = self._desk.audit
        return self._desk.page(request, "Changes", *audit_body(log.newest(_CHANGES), log.verify()))

    def enter(self, request: Request) -> Response:
        self._desk.require_token()
        back = page_of_ours(request.query_params.get("next", "/"))
        return self._desk.page(request, "Sign in", *enter_body(back, None))

    def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in assets():
            raise Refused(404, "There is no such file.")
        return _asset(name, _KEEP)

    def stored(self, request: Request) -> Stored:
        """The verdict that a path names."""
        wanted = request.path_params["id"]
        found = self._desk.door.outbox().find(wanted) if is_id(wanted) else None
        if found is None:
            raise Refused(404, "There is no such verdict.")
        return found

    def _sharing(self, station: str) -> list[str]:
        """The other stations of the same bundle."""
        door = self._desk.door
        own = door.bundle(station).path
        names = (each.name for each in door.settings().station)
        return [name for name in names if name != station and door.bundle(name).path == own]

    def _commands(self) -> Mapping[Path, str]:
        stations = self._desk.door.settings().station
        folders = {each.name: self._reviewed.of(each.name) for each in stations}
        return {folders[each.name]: self._command(each.name, folders[each.name])
                for each in stations if folders[each.name].is_dir()}  # fmt: skip

    def _command(self, station: str, folder: Path) -> str:
        return command_of(self._desk.door.bundle(station).path, folder)


def threshold_in(text: str) -> float:
    """Refused for what is no threshold."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not 0 <= value < 1:
        raise Refused(400, f"'{text[:40]}' is no threshold: give a number from 0 to below 1.")
    return value


def page_of_ours(address: str) -> str:
    """Where to go back to; the first page for whatever leads elsewhere."""
    return address if _BACK.fullmatch(address) else "/"


def _effect(station: StationStatus, value: float, scores: list[float]) -> Effect:
    if station.threshold is None:
        raise BundleError(
            f"{station.name} has no threshold yet.", fix="Wait until its detector is ready."
        )
    return effect_of(value, station.threshold, station.undecided_above, scores)


def _asset(name: str, keep: str | None = None) -> Response:
    asset = assets()[name]
    headers = {"cache-control": keep} if keep else {}
    return Response(asset.content, media_type=asset.kind, headers=headers)
