"""What takes long is made by one of the processes that run tests at once, and waited for by others.

`shared_folder` in conftest.py is the place for what one run of pytest shares.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from slsg_edge.errors import StorageError
from slsg_edge.storage import locked

PATIENCE = 1200  # seconds


def made_once(path: Path, make: Callable[[Path], object]) -> Path:
    """`path`, a folder: as it is, or what `make` fills beside it, renamed once it is whole."""
    lock = path.parent / f"{path.name}.lock"
    lock.mkdir(parents=True, exist_ok=True)
    busy = StorageError(f"Another process has been making {path} for {PATIENCE} s.", fix="")
    with locked(lock, PATIENCE, busy):
        if not path.exists():
            room = path.parent / f"{path.name}.part"
            shutil.rmtree(room, ignore_errors=True)  # of a process that was stopped
            room.mkdir()
            make(room / path.name)
            (room / path.name).rename(path)
            shutil.rmtree(room)
    return path
