"""Who may change something: whoever gives the token, by a header or by signing in on a page."""

import hmac
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass

from starlette.requests import Request

from slsg_edge.line.dashboard.guard import from_browser

_HOURS = 12.0  # of one signing in: a shift and some more
_SESSIONS = 100
_TRIES, _WITHIN = 10, 60.0  # wrong tokens of one address, and seconds
_CLIENTS = 1000
PROGRAM = "a program"  # who changes something by the header alone


@dataclass(frozen=True, slots=True)
class _Session:
    who: str
    ends: float


class Access:
    """Tokens and sessions of one line. Sessions end with the process.

    cookie: its name, which differs between lines since browsers share cookies between ports.
    """

    def __init__(self, token: str | None, cookie: str) -> None:
        self._token, self.cookie = token, cookie
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}
        self._wrong: dict[str, deque[float]] = {}

    @property
    def possible(self) -> bool:
        """Whether anything can be changed at all."""
        return self._token is not None

    def person(self, request: Request) -> str | None:
        """Who has signed in on this browser; None for nobody."""
        with self._lock:
            session = self._sessions.get(request.cookies.get(self.cookie, ""))
        return session.who if session and session.ends > time.monotonic() else None

    def who(self, request: Request) -> str | None:
        """Who may change something by this request; None for nobody."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return PROGRAM if self._matches(_client(request), given.strip()) else None
        # a cookie comes along by itself, so the browser must say who asked
        return self.person(request) if from_browser(request.headers) else None

    def enter(self, request: Request, token: str, who: str) -> str | None:
        """The value of a new cookie; None where the token is wrong."""
        if not self._matches(_client(request), token):
            return None
        made = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[made] = _Session(who, time.monotonic() + _HOURS * 3600)
            while len(self._sessions) > _SESSIONS:
                del self._sessions[next(iter(self._sessions))]
        return made

    def leave(self, request: Request) -> None:
        with self._lock:
            self._sessions.pop(request.cookies.get(self.cookie, ""), None)

    def blocked(self, request: Request) -> bool:
        """Whether this address gave so many wrong tokens that it must wait a minute."""
        with self._lock:
            return self._is_blocked(_client(request))

    def _matches(self, client: str, given: str) -> bool:
        """In a time that does not tell how much of it is right."""
        with self._lock:
            if self._token is None or self._is_blocked(client):
                return False
            right = hmac.compare_digest(given.encode(), self._token.encode())
            if not right:
                self._note(client)
        return right

    def _is_blocked(self, client: str) -> bool:
        times = self._wrong.get(client, deque())
        while times and time.monotonic() - times[0] > _WITHIN:
            times.popleft()
        return len(times) >= _TRIES

    def _note(self, client: str) -> None:
        self._wrong.setdefault(client, deque(maxlen=_TRIES)).append(time.monotonic())
        while len(self._wrong) > _CLIENTS:
            del self._wrong[next(iter(self._wrong))]


def _client(request: Request) -> str:
    return request.client.host if request.client else ""
