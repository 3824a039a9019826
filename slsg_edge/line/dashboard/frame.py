"""The frame of every page: its head, the bar on top with the way to other pages, alarms."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from types import MappingProxyType
from urllib.parse import quote

from slsg_edge.line.dashboard.words import live, note

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_NAMES = ("dashboard.css", "dashboard.js", "icon.svg", "no-picture.svg")
_PLACES = {"/": "Line", "/rejects": "Rejects", "/events": "Events", "/audit": "Changes"}


@dataclass(frozen=True, slots=True)
class Frame:
    """What a page's bar says. here: the path of this page. person: who has signed in."""

    line: str
    here: str
    person: str | None
    changeable: bool
    alarms: list[str]
    live: bool


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages need. version: of its content, so that browsers may keep it."""

    content: bytes
    kind: str
    version: str


@cache
def assets() -> Mapping[str, Asset]:
    """By their names; there are no others."""
    return MappingProxyType({name: _asset(name) for name in _NAMES})


def address_of(name: str) -> str:
    return f"/static/{name}?v={assets()[name].version}"


def document(title: str, frame: Frame, body: Iterable[str]) -> str:
    renew = '<noscript><meta http-equiv="refresh" content="5"></noscript>' if frame.live else ""
    head = (
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)} - {escape(frame.line)}</title>{renew}",
        f'<link rel="icon" href="{address_of("icon.svg")}">',
        f'<link rel="stylesheet" href="{address_of("dashboard.css")}">',
        f'<script src="{address_of("dashboard.js")}" defer></script>',
    )
    lost = '<p class="lost" id="lost" role="alert" hidden></p>'
    lines = (
        "<!doctype html>",
        f'<html lang="en"><head>{"".join(head)}</head>',
        f"<body{' data-renewed' if frame.live else ''}>{_bar(frame)}<main>{lost}",
        live("alarms", *(note(text, "alarm") for text in frame.alarms)),
        f"<h1>{escape(title)}</h1>",
        *body,
        "</main></body></html>\n",
    )
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


def _bar(frame: Frame) -> str:
    places = "".join(
        f'<a href="{path}"{" aria-current=page" if path == frame.here else ""}>{text}</a>'
        for path, text in _PLACES.items()
    )
    return (
        f'<header class="bar"><a class="name" href="/">{escape(frame.line)}</a>'
        f"<nav>{places}</nav>{_person(frame)}</header>"
    )


def _person(frame: Frame) -> str:
    if frame.person is not None:
        return (
            '<form class="person" method="post" action="/leave">'
            f"<span>{escape(frame.person)}</span><button>Sign out</button></form>"
        )
    back = quote(frame.here, safe="/")
    return f'<span class="person"><a class="button" href="/enter?next={back}">Sign in</a></span>'


def _asset(name: str) -> Asset:
    content = files("slsg_edge.line.dashboard").joinpath(name).read_bytes()
    kind = _KINDS[name[name.rindex(".") :]]
    return Asset(content, kind, hashlib.sha256(content).hexdigest()[:12])
