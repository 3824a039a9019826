"""What `start` has done, in a file beside the bundle: so it goes on where it was stopped."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from slsg_edge import __version__
from slsg_edge.bundle.plan import MANIFEST_FILE, SUFFIX
from slsg_edge.contracts import Json
from slsg_edge.errors import ConfigError
from slsg_edge.storage import write_atomically

_OURS = frozenset({SUFFIX, ".run", ".trials"})  # folders


@dataclass(frozen=True, slots=True)
class Done:
    """A step that came to its end: its command, its exit code, and the JSON that it printed."""

    words: tuple[str, ...]
    exit_code: int
    seconds: float
    result: dict[str, Json] | None


@dataclass(frozen=True, slots=True)
class Record:
    """The steps done so far on one state of the photos, in their order.

    manifest: the digest of the bundle's manifest after the last step, to notice another hand.
    """

    data: str
    photos: str
    version: str
    manifest: str = ""
    steps: tuple[Done, ...] = ()

    def with_step(self, done: Done, bundle: Path) -> "Record":
        return replace(self, steps=(*self.steps, done), manifest=manifest_digest(bundle))


def read_record(path: Path, data: Path) -> Record:
    """The record in `path` where it is of these photos and this version, else an empty one."""
    empty = Record(str(data), photos_digest(data), __version__)
    try:
        table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        steps = tuple(Done(**{**step, "words": tuple(step["words"])}) for step in table["steps"])
        record = Record(**{**table, "steps": steps})
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return empty  # there is none, or it is cut short, or of another version
    same = (record.data, record.photos, record.version) == (empty.data, empty.photos, __version__)
    return record if same else empty


def write_record(path: Path, record: Record) -> None:
    write_atomically(path, json.dumps(asdict(record), indent=1).encode())


def require_ours(bundle: Path, path: Path) -> None:
    """ConfigError for a bundle that `start` has not begun: it may be worth more than a trial."""
    if bundle.exists() and not path.exists():
        raise ConfigError(
            f"{bundle} is there already, and `slsg-edge start` did not make it.",
            fix="Give another name with -o, or remove it.",
        )


def photos_digest(data: Path) -> str:
    """Of the names, sizes and times of all files below `data`, or of that file."""
    digest = hashlib.sha256()
    for path in _files(data):
        status = path.stat()
        digest.update(os.fsencode(path) + f"\0{status.st_size} {status.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def manifest_digest(bundle: Path) -> str:
    """Empty where there is no bundle yet."""
    try:
        return hashlib.sha256((bundle / MANIFEST_FILE).read_bytes()).hexdigest()
    except OSError:
        return ""


def _files(data: Path) -> Sequence[Path]:
    if not data.is_dir():
        return [data] if data.exists() else []
    found: list[Path] = []
    for parent, folders, names in os.walk(data):
        folders[:] = [name for name in folders if Path(name).suffix not in _OURS]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(path for path in found if path.is_file() and not _is_ours(path))


def _is_ours(path: Path) -> bool:
    """What `start` writes may lie among the photos, where it was run there."""
    return path.suffix == ".html" or path.name.endswith((".start.json", ".start.log"))
