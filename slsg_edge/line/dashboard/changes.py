"""What can be changed: by whoever has the token, and never without a line in the audit log."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from slsg_edge.errors import SlsgError
from slsg_edge.line.dashboard.access import PROGRAM
from slsg_edge.line.dashboard.desk import Desk, Refused
from slsg_edge.line.dashboard.door import Label
from slsg_edge.line.dashboard.forms import Fields
from slsg_edge.line.dashboard.line_page import address
from slsg_edge.line.dashboard.log_pages import enter_body
from slsg_edge.line.dashboard.reviewed import ReviewedFolder
from slsg_edge.line.dashboard.views import Views, page_of_ours, threshold_in
from slsg_edge.line.dashboard.words import score

_NAME, _REASON = 80, 500  # characters
_LABELS: dict[str, Label | None] = {"good": "good", "bad": "bad", "": None}


class Changes:
    """Each method answers one path. The log is written first: what cannot be noted is not done."""

    def __init__(self, desk: Desk, views: Views, reviewed: ReviewedFolder) -> None:
        self._desk, self._views, self._reviewed = desk, views, reviewed

    def enter(self, request: Request, fields: Fields) -> Response:
        """Signing in: nothing is changed by it."""
        desk = self._desk
        desk.require_token()
        back, who = page_of_ours(fields.get("next", "/")), fields.get("who", "")
        if not 0 < len(who) <= _NAME:
            return self._again(request, back, 400, "Give your name: it stands in the audit log.")
        made = desk.access.enter(request, fields.get("token", ""), who)
        if made is None and desk.access.blocked(request):
            return self._again(request, back, 429, "Too many wrong tokens; wait a minute.")
        if made is None:
            return self._again(request, back, 403, "That is not the token of this line.")
        answer = RedirectResponse(back, 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(desk.access.cookie, made, httponly=True, samesite="strict", secure=secure)
        return answer

    def leave(self, request: Request, _: Fields) -> Response:
        self._desk.access.leave(request)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(self._desk.access.cookie, httponly=True, samesite="strict")
        return answer

    def label(self, request: Request, fields: Fields) -> Response:
        who = self._named(self._desk.require_person(request), fields, needed=False)
        wanted = fields.get("label")
        if wanted not in _LABELS:
            raise Refused(400, "The label is good, bad, or empty to take it back.")
        record = self._views.stored(request).record
        told = f"labelled {wanted}" if wanted else "no longer labelled"
        self._desk.audit.append(who, f"{record.station}: part {record.id} {told}", "")
        self._desk.door.outbox().label(record.id, _LABELS[wanted], who)
        self._reviewed.place(record, wanted or None)
        return self._desk.done(request, f"/rejects#v-{record.id}")

    def export(self, request: Request, fields: Fields) -> Response:
        who = self._named(self._desk.require_person(request), fields, needed=False)
        self._desk.audit.append(who, "labelled pictures sorted into folders", "")
        self._reviewed.place_all(self._desk.door.outbox())
        return self._desk.done(request, "/rejects")

    def threshold(self, request: Request, fields: Fields) -> Response:
        desk = self._desk
        who = self._named(desk.require_person(request), fields, needed=True)
        station = desk.station(request.path_params["name"])
        value, why = threshold_in(fields.get("value", "")), fields.get("why", "")
        if not 0 < len(why) <= _REASON:
            raise Refused(400, f"Say why it is changed, in at most {_REASON} characters.")
        change = f"{station.name}: threshold from {score(station.threshold)} to {value:.6g}"
        desk.audit.append(who, change, why)
        try:
            desk.door.set_threshold(station.name, value, who, why)
        except SlsgError as error:
            desk.audit.append(who, f"{change}: not done, {error.what}", why)
            raise
        return desk.done(request, f"{address(station.name)}?changed=1")

    def _again(self, request: Request, back: str, status: int, said: str) -> Response:
        return self._desk.page(request, "Sign in", *enter_body(back, said), status=status)

    def _named(self, who: str, fields: Fields, *, needed: bool) -> str:
        """The name that the form gives, beside the one that signed in where they differ."""
        by = fields.get("by", "")
        if len(by) > _NAME or (needed and not by):
            raise Refused(400, f"Say in `by` who changes it, in at most {_NAME} characters.")
        if not by or by == who:
            return who
        return by if who == PROGRAM else f"{by} (signed in as {who})"
