"""The sha256 of files that may come from anywhere."""

import hashlib
import os
import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from slsg_edge.config import open_regular, read_regular
from slsg_edge.errors import BundleError

FILE_LIMIT = 2 * 2**30  # bytes: no ONNX file may be larger, and nothing else in a bundle is
JSON_LIMIT = 64 * 2**20  # bytes: the record of 100,000 images takes 16 MB
_BLOCK = 2**20  # bytes
_SETTLED = 100_000_000  # nanoseconds: some file systems stamp every 10 ms


@dataclass(frozen=True, slots=True)
class Content:
    """A file of a bundle as it was when its sha256 was the one in the manifest."""

    path: Path
    data: bytes = field(repr=False)


@dataclass(slots=True)
class Digests:
    """The sha256 of files, each read again only when the file system says that it changed.

    A file that changed a moment ago is not remembered: its time stamps are too coarse to tell
    whether it changes once more.
    """

    _known: dict[Path, tuple[tuple[int, ...], str]] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """BundleError for a file that cannot be read."""
        try:
            with open_regular(path, FILE_LIMIT) as file:
                state = os.fstat(file.fileno())
                known = self._known.get(path)
                if known is not None and known[0] == _marks_of(state):
                    return known[1]
                digest = _sha256_of(file)
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from error
        if time.time_ns() - max(state.st_mtime_ns, state.st_ctime_ns) > _SETTLED:
            self._known[path] = (_marks_of(state), digest)
        return digest


def bounded_content(path: Path, limit: int) -> bytes:
    """BundleError for what is no ordinary file of at most `limit` bytes."""
    try:
        return read_regular(path, limit)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError | ValueError) -> BundleError:
    """What to tell of a file of a bundle that cannot be read: a copy mends no permissions."""
    refused = isinstance(error, PermissionError)
    return BundleError(
        f"{path} cannot be read: {getattr(error, 'strerror', error)}.",
        fix=f"Let this account read it: chmod -R a+rX {shlex.quote(str(path.parent))}"
        if refused
        else "Copy the bundle again.",
    )


def _marks_of(state: os.stat_result) -> tuple[int, ...]:
    """What changes when a file does, as far as the file system tells."""
    return (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def _sha256_of(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()
