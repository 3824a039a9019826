"""Kept pictures on the disk: how much they take, and which of them go."""

import os
import re
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.storage import write_atomically

_OURS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.png|_heat\.jpg)")
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class _Kept:
    path: Path
    size: int
    written: float


class PictureStore:
    """Used by one thread. Only files that are named as ours are ever removed.

    The oldest are first, in the order of writing: the clock may jump.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept = deque(sorted(_found(folder), key=lambda kept: (kept.written, kept.path.name)))
        self.bytes = sum(kept.size for kept in self._kept)

    def write(self, path: Path, content: bytes) -> None:
        """StorageError on a full disk."""
        write_atomically(path, content)
        self._kept.append(_Kept(path, len(content), time.time()))
        self.bytes += len(content)

    def keep_within(self, most: float) -> None:
        """Bytes."""
        while self._kept and self.bytes > most:
            self._remove(self._kept.popleft())

    def remove_older(self, days: float) -> None:
        limit = time.time() - days * _DAY
        old = [kept for kept in self._kept if kept.written < limit]
        if old:
            self._kept = deque(kept for kept in self._kept if kept.written >= limit)
        for kept in old:
            self._remove(kept)

    def _remove(self, kept: _Kept) -> None:
        """One that cannot be removed is not ours any more."""
        self.bytes -= kept.size
        with suppress(OSError):
            kept.path.unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            for parent in (kept.path.parent, kept.path.parent.parent):
                if parent != self._folder:
                    parent.rmdir()


def _found(folder: Path) -> Iterator[_Kept]:
    for parent, _, names in os.walk(folder):
        for name in filter(_OURS.fullmatch, names):
            with suppress(OSError):
                path = Path(parent, name)
                state = path.lstat()
                yield _Kept(path, state.st_size, state.st_mtime)
