"""Files that are either wholly there or not at all."""

import contextlib
import errno
import os
from collections.abc import Mapping
from pathlib import Path

from slsg_edge.errors import StorageError


def write_atomically(path: Path, content: bytes) -> None:
    """All of `content` at `path`, or what was there before and a StorageError."""
    write_together(path.parent, {path.name: content})


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Several files of one folder, renamed in the order given once all of them are on the disk.

    A full disk or a missing permission is a StorageError before the first rename.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for name, content in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
            staged.append((temporary, target))
            _write_through(temporary, content)
        for temporary, target in staged:
            temporary.replace(target)
        _sync_folder(folder)
    except OSError as error:
        raise storage_error(folder, error) from error
    finally:
        for temporary, _ in staged:
            with contextlib.suppress(OSError):  # a read-only disk says so above
                temporary.unlink(missing_ok=True)


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Makes the renames themselves survive a power cut; Windows has no such call."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def storage_error(folder: Path, error: OSError) -> StorageError:
    """What to tell the user of an OSError while writing into or to `folder`."""
    where = error.filename or folder
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(f"The disk is full: cannot write {where}.", fix="Free some space.")
    return StorageError(
        f"Cannot write {where}: {error.strerror}.", fix="Check the path and its permissions."
    )
