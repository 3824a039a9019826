"""A run folder belongs to one training at a time.

The folder is locked by the system (`storage.locked`), so the lock ends with the process that holds
it. A file in the folder says who that is, for people, as long as the training runs.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.storage import locked, make_folder, write_atomically

HOLDER_FILE = ".lock"  # in the run folder


@contextlib.contextmanager
def exclusive_run(folder: Path, command: str) -> Iterator[None]:
    """Holds `folder` for this process; ConfigError while another training holds it.

    command: what the other one is told that runs here.
    """
    make_folder(folder)
    note = folder / HOLDER_FILE
    with _held(folder):
        try:
            write_atomically(note, f"process {os.getpid()}, {command}".encode())
            yield
        finally:
            note.unlink(missing_ok=True)


def require_free(folder: Path) -> None:
    """ConfigError while another training holds `folder`; leaves no trace in it."""
    if folder.is_dir():
        with _held(folder):
            pass


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    busy = StorageError("busy", fix="")
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(folder, 0.0, busy))
        except StorageError as error:
            if error is not busy:
                raise
            raise ConfigError(
                f"Another training uses {folder} right now{_holder(folder)}.",
                fix="Wait for its end or stop it, or give another --output.",
            ) from error
        yield


def _holder(folder: Path) -> str:
    with contextlib.suppress(OSError):
        return f": {(folder / HOLDER_FILE).read_text(encoding='utf-8').strip()}"
    return ""
