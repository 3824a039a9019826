"""What all pages of one dashboard share, and what they say when something cannot be done."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from slsg_edge.errors import SlsgError
from slsg_edge.line.dashboard.access import Access
from slsg_edge.line.dashboard.answers import json_answer
from slsg_edge.line.dashboard.audit import AuditLog
from slsg_edge.line.dashboard.door import Door
from slsg_edge.line.dashboard.forms import Fields, fields_of
from slsg_edge.line.dashboard.frame import Frame, document
from slsg_edge.line.dashboard.words import note
from slsg_edge.line.service.status import LineStatus, StationStatus
from slsg_edge.line.sources.redaction import redacted


class Refused(Exception):
    """What a request gets instead of what it asked for."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass(frozen=True, slots=True)
class Desk:
    """folder: of the line, with the kept pictures in it."""

    door: Door
    folder: Path
    access: Access
    audit: AuditLog

    def page(
        self, request: Request, title: str, *body: str, status: int = 200, live: bool = False
    ) -> Response:
        """live: it renews itself."""
        line = self.door.status()
        frame = Frame(
            line=line.name,
            here=request.url.path,
            person=self.access.person(request),
            changeable=self.access.possible,
            alarms=alarms_of(line, self.door.outbox().trouble),
            live=live,
        )
        return HTMLResponse(document(title, frame, body), status)

    def station(self, name: str) -> StationStatus:
        found = self.door.status().station(name)
        if found is None:
            raise Refused(404, f"No station is called '{name}'.")
        return found

    def refusal(self, request: Request, status: int, text: str) -> Response:
        """A page for people, JSON for programs."""
        if "text/html" not in request.headers.get("accept", ""):
            return json_answer({"error": text}, status)
        return self.page(request, "That did not work", note(text, "alarm"), status=status)

    def done(self, request: Request, address: str) -> Response:
        """After a change: the page that shows it."""
        if "text/html" not in request.headers.get("accept", ""):
            return json_answer({"done": True})
        return RedirectResponse(address, 303)

    def require_person(self, request: Request) -> str:
        """Who changes something; Refused for everybody who may not."""
        self.require_token()
        if self.access.blocked(request):
            raise Refused(429, "There were too many wrong tokens from here; wait a minute.")
        who = self.access.who(request)
        if who is None:
            raise Refused(401, "Changes need the token: sign in, or send it as Authorization.")
        return who

    def require_token(self) -> None:
        """Refused where nothing can be changed by anybody."""
        if not self.access.possible:
            raise Refused(403, NO_TOKEN)


NO_TOKEN = (
    "Nothing can be changed here, since line.toml has no token. Set `token` in [http], as "
    'token = "${LINE_TOKEN}", and start the line again.'
)


def alarms_of(line: LineStatus, trouble: str | None) -> list[str]:
    own = [f"Verdicts cannot be stored just now: {trouble}"] if trouble else []
    known = list(line.alarms)
    return [redacted(text) for text in (known if trouble in known else [*own, *known])]


Change = Callable[[Request, Fields], Response]


class Posting:
    """A change as an endpoint: its form is read, then it is made in a thread."""

    def __init__(self, change: Change) -> None:
        self._change = change

    async def answer(self, request: Request) -> Response:
        fields = await fields_of(request)
        if fields is None:
            raise Refused(400, "The request's body is no form, or it is too long.")
        return await run_in_threadpool(self._change, request, fields)


def answer_refused(desk: Desk) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return desk.refusal(request, error.status, error.text)

    return answer


def answer_error(desk: Desk) -> Callable[[Request, Exception], Response]:
    """What the line itself could not do."""

    def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, SlsgError)
        status = 409 if request.method == "POST" else 503
        return desk.refusal(request, status, redacted(str(error)))

    return answer
