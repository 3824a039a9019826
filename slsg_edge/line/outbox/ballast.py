"""Room on the disk that is given up when the disk is full, so that verdicts still have some."""

import os
from contextlib import suppress
from pathlib import Path

SIZE = 32 * 2**20
_TIMES = 3  # as much as that must be free before room is taken again: it shall not be used up


class Ballast:
    """A file that holds nothing. Never raises."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path, self._size = path, size

    def give_up(self) -> bool:
        """Whether there was some."""
        with suppress(OSError):
            self._path.unlink()
            return True
        return False

    def take(self) -> bool:
        """Whether it was taken just now: not where it is there, or the disk has little room."""
        with suppress(OSError):
            if self._size and not self._is_whole() and self._has_room():
                return self._filled()
        return False

    def _is_whole(self) -> bool:
        """Not where a process was killed while it took the room."""
        return self._path.exists() and self._path.stat().st_size == self._size

    def _has_room(self) -> bool:
        if not hasattr(os, "statvfs"):
            return False
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize >= _TIMES * self._size

    def _filled(self) -> bool:
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size)
        except OSError:
            self.give_up()  # a part of it is of no use
            return False
        return True
