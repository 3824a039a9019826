"""What of `line.toml` should not stand in it in clear, and what else is allowed but unwise."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from slsg_edge.line.settings.checking import is_loopback
from slsg_edge.line.settings.line import LineSettings
from slsg_edge.line.settings.tables import sinks_of

_SHORTEST = 16  # characters of a token


def warnings_of(settings: LineSettings) -> tuple[str, ...]:
    """Each a sentence that says what to do; none shows a secret."""
    return (*_in_clear(settings), *_open_to_others(settings))


def _in_clear(settings: LineSettings) -> Iterator[str]:
    for station in settings.station:
        if _has_password(station.source):
            yield _sentence(f'[station "{station.name}"].source holds a password')
    for place, secret in _secrets(settings):
        if secret and not _stands_elsewhere(secret):
            yield _sentence(f"{place} stands there in clear")
    for sink in settings.webhook:
        if _has_password(sink.url):
            yield _sentence(f'[webhook "{sink.name}"].url holds a password')


def _secrets(settings: LineSettings) -> Iterator[tuple[str, str]]:
    yield "[http].token", settings.http.token
    for mqtt in settings.mqtt:
        yield f'[mqtt "{mqtt.name}"].password', mqtt.password
    for hook in settings.webhook:
        yield f'[webhook "{hook.name}"].bearer', hook.bearer


def _sentence(what: str) -> str:
    return f"{what}: whoever reads the file knows it. Write ${{NAME}} or @FILE in its place."


def _stands_elsewhere(text: str) -> bool:
    return text.startswith("@") or "${" in text


def _has_password(url: str) -> bool:
    try:
        password = urlsplit(url).password if "://" in url else None
    except ValueError:
        return False
    return bool(password) and not _stands_elsewhere(password or "")


def _open_to_others(settings: LineSettings) -> Iterator[str]:
    token = settings.http.token
    if token and not _stands_elsewhere(token) and len(token) < _SHORTEST:
        yield f"[http].token is short: give at least {_SHORTEST} characters."
    for kind, sink in sinks_of(settings):
        if kind in ("modbus", "opcua") and not is_loopback(getattr(sink, "host", "")):
            yield (
                f'[{kind} "{sink.name}"].host lets everybody in that network read it: keep it to '
                "the network of the machine."
            )
    for mqtt in settings.mqtt:
        if mqtt.password and not mqtt.tls and not is_loopback(mqtt.host):
            yield f'[mqtt "{mqtt.name}"] sends its password in clear: add tls = true.'
