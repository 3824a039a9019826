"""Addresses without what must not be read in a log: user, password, token.

What is shown is chosen, not what is hidden: scheme, host, port and the first part of the path.
Cameras take passwords everywhere else, and under any name.
"""

import re

HIDDEN = "***"

# A URL, also one with a slash too few; up to the end of the word, since a password may hold any
# sign. Or what looks like `user:password@host` without a scheme.
_ADDRESS = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]*):/+(?P<url>\S*)|[^\s/@:'\"]+:[^\s@]*@(?P<bare>\S*)",
    re.IGNORECASE,
)
_HOST = re.compile(r"\[[0-9a-f:.]+\](:\d+)?|[\w.-]+(:\d+)?", re.IGNORECASE)
_NAME = re.compile(r"[a-z][a-z_-]{0,15}\d{0,3}(\.[a-z0-9]{2,5})?|\d{1,3}", re.IGNORECASE)
_CREDENTIAL = re.compile(r"pass|pwd|pin|token|key|auth|secret|sig|user|login|admin|sid|root", re.I)


def redacted(text: str) -> str:
    """`rtsp://***@camera/1` for `rtsp://user:password@camera/1`, wherever it stands in a text."""
    return _ADDRESS.sub(_shown, text)


def _shown(found: "re.Match[str]") -> str:
    if found["scheme"] is None:
        return f"{HIDDEN}@{_place(found['bare'])}"
    _, at, rest = found["url"].rpartition("@")
    return f"{found['scheme']}://{HIDDEN + '@' if at else ''}{_place(rest)}"


def _place(rest: str) -> str:
    """Host, port and the first part of the path."""
    host = _HOST.match(rest)
    if host is None:
        return HIDDEN if rest else ""
    after = rest[host.end() :]
    part = re.match(r"/([^/?#;&]*)", after)
    if part is None:
        return host[0] + (HIDDEN if after.strip(".,:;'\")") else after)
    name, more = part[1], after[part.end() :]
    return f"{host[0]}/{name if _is_plain(name) else HIDDEN}{_rest(more)}"


def _rest(more: str) -> str:
    """What stands behind the first part, without saying it."""
    if not more.strip("/.,:;'\")"):
        return more
    return f"{more[0]}{HIDDEN}"


def _is_plain(name: str) -> bool:
    """Whether a part of a path is a name that nobody would hide."""
    return not name or bool(_NAME.fullmatch(name) and not _CREDENTIAL.search(name))
