"""Where the files are that `line.toml` names: beside it, wherever the command is run."""

import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from slsg_edge.line.settings.line import LineSettings, StationSettings
from slsg_edge.line.settings.sinks import MqttSettings, WebhookSettings
from slsg_edge.line.sources.redaction import redacted

DROP = "drop:"
_LONGEST_NAME = 255
_SCHEME = re.compile(r"[A-Za-z][\w+.-]+:")  # two letters or more: C: is a drive


def beside(settings: LineSettings, home: Path) -> LineSettings:
    """With absolute paths. The file of a JSON Lines sink is in the folder of the line."""
    folder = _absolute(settings.folder, home)
    lines = [replace(sink, path=_absolute(sink.path, folder)) for sink in settings.json_lines]
    whole: LineSettings = _with_paths(replace(settings, json_lines=tuple(lines)), home)
    return replace(
        whole,
        station=tuple(_station(station, home) for station in whole.station),
        http=replace(whole.http, token=_secret(whole.http.token, home)),
        mqtt=tuple(_mqtt(sink, home) for sink in whole.mqtt),
        webhook=tuple(_webhook(sink, home) for sink in whole.webhook),
        update=replace(whole.update, repository=_repository(whole.update.repository, home)),
    )


def _with_paths(settings: Any, home: Path) -> Any:
    """Every path in these settings, however deep."""
    if isinstance(settings, Path):
        return _absolute(settings, home)
    if isinstance(settings, tuple):
        return tuple(_with_paths(item, home) for item in settings)
    if not is_dataclass(settings) or isinstance(settings, type):
        return settings
    values = {one.name: getattr(settings, one.name) for one in fields(settings)}
    return replace(settings, **{name: _with_paths(value, home) for name, value in values.items()})


def source_beside(source: str, home: Path) -> str:
    """A folder or a file with its whole path; a URL, a camera and a pipeline as they are."""
    if source.startswith("@"):
        return _secret(source, home)
    if source.startswith(DROP) and source != DROP:
        return f"{DROP}{_absolute(Path(source.removeprefix(DROP)), home)}"
    if not source.strip() or not _is_path(source, home):
        return source
    return str(_absolute(Path(source), home))


def drop_folder(source: str) -> Path:
    """The folder of `drop:FOLDER` and of `drop:FOLDER?after=move`."""
    body = source.removeprefix(DROP)
    folder, mark, options = body.rpartition("?")
    return Path(folder if mark and "=" in options and not _is_folder(body) else body)


def _is_folder(text: str) -> bool:
    try:
        return Path(text).is_dir()
    except OSError:  # no name that a folder could have
        return False


def _is_path(source: str, home: Path) -> bool:
    """A folder called `0` goes before the camera. What was meant as a URL stays one, so that the
    password in it is not told as the name of a file.
    """
    if source.startswith("${") or _SCHEME.match(source) or redacted(source) != source:
        return False
    return not source.isdecimal() or (len(source) <= _LONGEST_NAME and (home / source).exists())


def _station(station: StationSettings, home: Path) -> StationSettings:
    return replace(station, source=source_beside(station.source, home))


def _mqtt(sink: MqttSettings, home: Path) -> MqttSettings:
    return replace(sink, user=_secret(sink.user, home), password=_secret(sink.password, home))


def _webhook(sink: WebhookSettings, home: Path) -> WebhookSettings:
    return replace(sink, url=_secret(sink.url, home), bearer=_secret(sink.bearer, home))


def _repository(place: str, home: Path) -> str:
    """A folder with its whole path, an address as it is."""
    return place if not place or _SCHEME.match(place) else str(_absolute(Path(place), home))


def _secret(text: str, home: Path) -> str:
    """`@FILE` with the whole path of the file."""
    return f"@{_absolute(Path(text[1:]), home)}" if text.startswith("@") else text


def _absolute(path: Path, home: Path) -> Path:
    try:
        return home / path.expanduser()
    except (RuntimeError, ValueError):  # nobody has such a home
        return home / path
