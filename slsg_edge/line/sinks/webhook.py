"""Verdicts for a web server: each request is made again until it is answered with 2xx."""

import http.client
import ssl
import threading
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import SplitResult, quote, unquote, urlsplit

from slsg_edge.errors import ConfigError
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.outbox.rows import text_of
from slsg_edge.line.settings.sinks import WebhookSettings
from slsg_edge.line.sources.addresses import with_secrets
from slsg_edge.line.sources.redaction import redacted

_LONGEST = 25.0  # seconds for one request, whatever is asked for
_ANSWER = 2**16  # bytes of an answer that are read, so that its connection can be used again
_PLAIN = "/%:@!$&'()*+,;=~"  # signs of a path that stay as they are


class WebhookJournal:
    """One connection, which is kept open between two requests."""

    def __init__(self, settings: WebhookSettings) -> None:
        """ConfigError for a URL or a token that cannot be sent."""
        self.name, self.most = settings.name, max(settings.batch, 1)
        self._timeout = min(max(settings.timeout_s, 0.1), _LONGEST)
        self._address = _address(settings.name, with_secrets(settings.url))
        self._path = _path(self._address)
        self._headers = {"Content-Type": "application/json", "User-Agent": "slsg-edge"}
        self._headers |= _credentials(settings, self._address)
        self._context = ssl.create_default_context() if self._address.scheme == "https" else None
        self._connection: http.client.HTTPConnection | None = None

    def take(self, batch: Sequence[Stored]) -> None:
        """OSError where the server has not answered with 2xx."""
        texts = [text_of(stored.record) for stored in batch]
        body = texts[0] if self.most == 1 else f"[{', '.join(texts)}]"
        kept = self._connection is not None
        try:
            status = self._post(body.encode())
        except (ConnectionError, http.client.HTTPException):
            if not kept:
                raise
            status = self._post(body.encode())  # the server had closed what was kept open
        if not 200 <= status < 300:
            raise ConnectionError(f"{self._shown} answers {status}")

    def close(self) -> None:
        """Also from another thread, while a request hangs."""
        connection, self._connection = self._connection, None
        if connection is not None:
            _cut_off(connection)

    @property
    def _shown(self) -> str:
        return redacted(self._address.geturl())

    def _post(self, body: bytes) -> int:
        """The status. OSError, also for an answer that is none, or not there in time."""
        connection = self._connection or self._connected()
        self._connection = connection
        late = threading.Event()
        # the timeout of a socket begins anew with each byte
        watch = threading.Timer(self._timeout, _cut_off, (connection, late))
        watch.start()
        try:
            return self._answered(connection, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise self._said(error, late.is_set()) from error
        finally:
            watch.cancel()

    def _answered(self, connection: http.client.HTTPConnection, body: bytes) -> int:
        connection.request("POST", self._path, body, self._headers)
        answer = connection.getresponse()
        answer.read(_ANSWER)
        if not answer.isclosed():
            self.close()
        return answer.status

    def _connected(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._context is None:
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._context)

    def _said(self, error: Exception, late: bool) -> OSError:
        if late or isinstance(error, TimeoutError):
            return TimeoutError(f"{self._shown} gave no answer within {self._timeout:g} s")
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return ConnectionError(f"{self._shown} cannot be reached: {redacted(why)}")


def _address(name: str, url: str) -> SplitResult:
    try:
        address = urlsplit(url)
        good = address.scheme in ("http", "https") and bool(address.hostname)
        (address.hostname or "").encode("idna")
        _ = address.port
    except ValueError:
        good = False
    if not good:
        raise ConfigError(
            f"The sink {name} has the URL {redacted(url)!r}, which verdicts cannot be posted to.",
            fix="Give https://HOST/PATH or http://HOST:PORT/PATH.",
        )
    return address


def _path(address: SplitResult) -> str:
    path = quote(address.path or "/", safe=_PLAIN)
    return f"{path}?{quote(address.query, safe=_PLAIN + '?')}" if address.query else path


def _credentials(settings: WebhookSettings, address: SplitResult) -> dict[str, str]:
    if settings.bearer:
        token = with_secrets(settings.bearer)
        if not (token.isascii() and token.isprintable()):
            raise ConfigError(
                f"The token of the sink {settings.name} holds signs that no header may.",
                fix="Give it as it was issued, on one line.",
            )
        return {"Authorization": f"Bearer {token}"}
    if address.username is None:
        return {}
    both = f"{unquote(address.username)}:{unquote(address.password or '')}"
    return {"Authorization": f"Basic {b64encode(both.encode()).decode()}"}


def _cut_off(connection: http.client.HTTPConnection, late: threading.Event | None = None) -> None:
    """Ends what another thread waits for."""
    sock = connection.sock
    if late is not None:
        late.set()
    with suppress(OSError, AttributeError):
        sock.shutdown(2)
    with suppress(OSError):
        connection.close()
