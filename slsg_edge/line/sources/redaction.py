"""Addresses without what must not be read in a log: user, password, token.

What is shown is chosen, not what is hidden: scheme, host, port and the first part of the path.
Cameras take passwords everywhere else, and under any name.
"""

import re

HIDDEN = "***"

# A text may be very long, so each pattern looks at each place of it a few times at most.
_WORD = re.compile(r"\S+")
# A URL, also one with a slash too few; up to the end of the word, since a password may hold any
# sign.
_URL = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]{0,30}):/+(?P<url>.*)", re.IGNORECASE | re.DOTALL)
# What looks like `user:password@host` without a scheme, up to its colon.
_USER = re.compile(r"(?<![^/@:'\"])[^/@:'\"]+:")
_HOST = re.compile(r"\[[0-9a-f:.]+\](:\d+)?|[\w.-]+(:\d+)?", re.IGNORECASE)
_NAME = re.compile(r"[a-z][a-z_-]{0,15}\d{0,3}(\.[a-z0-9]{2,5})?|\d{1,3}", re.IGNORECASE)
_CREDENTIAL = re.compile(r"pass|pwd|pin|token|key|auth|secret|sig|user|login|admin|sid|root", re.I)


def redacted(text: str) -> str:
    """`rtsp://***@camera/1` for `rtsp://user:password@camera/1`, wherever it stands in a text."""
    return _WORD.sub(lambda word: _shown(word[0]), text)


def _shown(word: str) -> str:
    url, bare = _URL.search(word), _bare(word)
    if bare is not None and (url is None or bare[0] < url.start()):
        begin, at = bare
        return f"{word[:begin]}{HIDDEN}@{_place(word[at + 1 :])}"
    if url is None:
        return word
    _, at_sign, rest = url["url"].rpartition("@")
    shown = f"{url['scheme']}://{HIDDEN + '@' if at_sign else ''}{_place(rest)}"
    return word[: url.start()] + shown


def _bare(word: str) -> tuple[int, int] | None:
    """Where `user:password@` begins, and where its sign is."""
    begin = 0
    while (at := word.find("@", begin)) >= 0:
        user = _USER.search(word, begin, at)
        if user is not None:
            return user.start(), at
        begin = at + 1
    return None


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
