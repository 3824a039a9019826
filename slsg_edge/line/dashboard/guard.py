"""What is refused before any page sees it, and what every answer carries.

A browser that shows a page of somebody else must not reach the line: names of other machines, and
changes that another page asks for, are turned away.
"""

from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 16 * 2**10  # bytes of a request's body: a form takes a few hundred
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_METHODS = ("GET", "HEAD", "POST")
_OURS = ("same-origin", "none")  # of Sec-Fetch-Site; none: somebody typed the address
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # with no-referrer a browser would not say either where a form comes from
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Around the application. hosts: the names that the line may be called by; None takes any."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(MutableHeaders(scope=message))
            await send(message)

        refused = refusal(scope["method"], Headers(scope=scope), self._hosts)
        if refused is None:
            await self._app(scope, receive, answer)
        else:
            await refused(scope, receive, answer)


def hosts_of(listening: str) -> Collection[str] | None:
    """By which names a line may be called that listens on this address; None for any."""
    near = listening in LOOPBACK or listening.startswith("127.")
    return {*LOOPBACK, listening} if near else None


def refusal(
    method: str, headers: Headers, hosts: Collection[str] | None
) -> PlainTextResponse | None:
    """None for what may pass."""
    if method not in _METHODS:
        return _refused(405, "Only GET and POST are known here.")
    if hosts is not None and not _is_called(headers.getlist("host"), hosts):
        return _refused(403, "This line answers to localhost only: open it by that name.")
    if method != "POST":
        return None
    if not _same_site(headers):
        return _refused(403, "Another page asked for this change; open the dashboard and do it.")
    return _body_refusal(headers.get("content-length"))


def _refused(status: int, text: str) -> PlainTextResponse:
    # what is left of the request is not read
    return PlainTextResponse(text + "\n", status, {"connection": "close"})


def _is_called(named: list[str], hosts: Collection[str]) -> bool:
    return len(named) == 1 and _name(named[0]) in hosts


def _name(host: str) -> str:
    """Without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _same_site(headers: Headers) -> bool:
    """Programs send none of the two headers, browsers at least one of them."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in _OURS:
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    return origin.partition("://")[2] == headers.get("host", "")


def _body_refusal(length: str | None) -> PlainTextResponse | None:
    if length is not None and not (length.isdecimal() and int(length[:12]) <= LARGEST):
        return _refused(413, f"A request may have {LARGEST} bytes.")
    return None


def _complete(headers: MutableHeaders) -> None:
    for name, value in _HEADERS.items():
        headers[name] = value
    headers.setdefault("cache-control", "no-store")


def from_browser(headers: Iterable[str]) -> bool:
    """Whether a browser says by itself where the request comes from."""
    return bool({"origin", "sec-fetch-site"} & {name.lower() for name in headers})
