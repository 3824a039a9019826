"""A run folder belongs to one training at a time.

The lock is the system's (flock), so it ends with the process that holds it, however that ends. A
system without it has no lock.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from slsg_edge.errors import ConfigError
from slsg_edge.storage import storage_error

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

RUN_LOCK_FILE = ".lock"  # in the run folder; its text says who holds it


@contextlib.contextmanager
def exclusive_run(folder: Path, command: str) -> Iterator[None]:
    """Holds `folder` for this process; ConfigError while another training holds it.

    `command` is what the other one is told that runs here. StorageError when there can be no file.
    """
    if fcntl is None:
        yield
        return
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context((folder / RUN_LOCK_FILE).open("a+", encoding="utf-8"))
            _take(file, folder)
            file.truncate(0)
            file.write(f"process {os.getpid()}, {command}")
            file.flush()
        except OSError as error:
            raise storage_error(folder, error) from error
        yield


def require_free(folder: Path) -> None:
    """ConfigError while another training holds `folder`; leaves no trace in it."""
    path = folder / RUN_LOCK_FILE
    if fcntl is None or not path.exists():
        return
    with contextlib.suppress(OSError), path.open("a+", encoding="utf-8") as file:
        _take(file, folder)


def _take(file: IO[str], folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip()
        raise ConfigError(
            f"Another training uses {folder} right now{holder and f': {holder}'}.",
            fix="Wait for its end or stop it, or give another --output.",
        ) from error
    except OSError:
        pass  # some network drives have no locks: then there is none here either
