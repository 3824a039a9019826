"""A URL that gives one picture for each request, asked again and again."""

import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import numpy as np

from slsg_edge.contracts import Fault, Reason
from slsg_edge.images import ImageError, require_whole
from slsg_edge.line.sources.captures import UNDECODABLE, CannotOpen, Picture

LARGEST = 64 << 20  # bytes of one picture as it is sent
_WRONG, _REFUSED = frozenset({400, 404, 405, 410}), frozenset({401, 403})  # answers


def gives_single_pictures(url: str, patience: float) -> bool:
    """Whether a request gives one picture and not a stream; CannotOpen when it gives neither."""
    try:
        with _asked(url, patience) as answer:
            kind = answer.headers.get_content_type()
    except urllib.error.HTTPError as error:
        wrong, refused = error.code in _WRONG, error.code in _REFUSED
        raise CannotOpen(_refusal(error.code), wrong=wrong, refused=refused) from error
    except (OSError, HTTPException, ValueError) as error:
        raise CannotOpen(_why(error)) from error
    if kind in ("text/html", "application/json", "application/xml"):
        raise CannotOpen(f"it answers with {kind} and not with pictures", wrong=True)
    return str(kind).startswith("image/")


class Snapshots:
    """A capture that asks every so many seconds; an answer that is no picture is a fault."""

    frame_count = 0
    codec = ""

    def __init__(self, url: str, every: float, patience: float) -> None:
        self._url, self._every, self._patience = url, every, patience
        self._next = 0.0

    def read(self) -> Picture | None:
        time.sleep(max(self._next - time.monotonic(), 0))
        asked = time.monotonic()
        self._next = asked + self._every
        at = time.time()
        try:
            content = self._content()
        except CannotOpen as error:
            return _faulty(at, asked, "no_frame", error.why)
        return _picture(content, at, asked)

    def close(self) -> None:
        """Nothing stays open between two requests."""

    def _content(self) -> bytes:
        try:
            with _asked(self._url, self._patience) as answer:
                return _read(answer)
        except urllib.error.HTTPError as error:
            raise CannotOpen(_refusal(error.code)) from error
        except (OSError, HTTPException, ValueError) as error:
            raise CannotOpen(_why(error)) from error


def _read(answer: Any) -> bytes:
    kind = answer.headers.get_content_type()
    if not kind.startswith("image/"):
        raise CannotOpen(f"the camera answers with {kind} and not with a picture")
    content: bytes = answer.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise CannotOpen(f"the camera answers with more than {LARGEST >> 20} MB")
    return content


def _picture(content: bytes, at: float, asked: float) -> Picture:
    import cv2

    try:
        require_whole(content, "the picture")
    except ImageError as error:
        return Picture(None, at, asked, error.fault)
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        return Picture(None, at, asked, UNDECODABLE)
    return Picture(np.asarray(image, np.uint8), at, asked)


def _faulty(at: float, asked: float, reason: Reason, detail: str) -> Picture:
    return Picture(None, at, asked, Fault(reason, detail))


def _refusal(status: int) -> str:
    return f"it answers {status}"


def _why(error: Exception) -> str:
    inner = getattr(error, "reason", error)
    return getattr(inner, "strerror", None) or type(inner).__name__


def _asked(url: str, patience: float) -> Any:
    """The answer to a request, with the user and password of the URL where they are asked for."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    plain = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    if parts.username is not None:
        user, password = unquote(parts.username), unquote(parts.password or "")
        passwords.add_password(None, plain, user, password)
    opener = urllib.request.build_opener(
        urllib.request.HTTPBasicAuthHandler(passwords),
        urllib.request.HTTPDigestAuthHandler(passwords),
    )
    return opener.open(urllib.request.Request(plain, headers={"Accept": "*/*"}), timeout=patience)
