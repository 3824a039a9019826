"""Files that are wholly there or not at all, and folders that one process at a time writes."""

import contextlib
import errno
import importlib.util
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from slsg_edge.errors import StorageError

_POLL = 0.05  # seconds between two tries for a lock
# What a file system answers that locks no folders, as NFS does.
_NO_FOLDER_LOCKS = (errno.EBADF, errno.EINVAL, errno.ENOTSUP, errno.ENOLCK, errno.EISDIR)


def write_atomically(path: Path, content: bytes) -> None:
    """All of `content` at `path`, or what was there before and a StorageError."""
    write_together(path.parent, {path.name: content})


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Several files below one folder, renamed in the order given once all of them are on the disk.

    A full disk or a missing permission is a StorageError before the first rename.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for name, content in files.items():
            target = folder / name
            make_folder(target.parent)
            temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
            staged.append((temporary, target))
            _write_through(temporary, content)
        for temporary, target in staged:
            temporary.replace(target)
        for parent in dict.fromkeys(target.parent for _, target in staged):
            _sync_folder(parent)
    except OSError as error:
        raise storage_error(folder, error) from error
    finally:
        for temporary, _ in staged:
            with contextlib.suppress(OSError):  # a read-only disk says so above
                temporary.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """With its parents, each safe from a power cut; StorageError when that cannot be."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)
    except OSError as error:
        raise storage_error(folder, error) from error


@contextlib.contextmanager
def locked(folder: Path, patience: float, busy: StorageError) -> Iterator[None]:
    """Holds `folder`, which must exist, for this process alone.

    The lock is the system's own (flock), which goes with the process however that ends, so none
    is ever left behind. Raises `busy` when another process holds it for `patience` seconds. Where
    the system or the file system has no such locks, nothing is held.
    """
    if importlib.util.find_spec("fcntl") is None:  # Windows
        yield
        return
    descriptor = _opened(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + patience
        while not _took_lock(descriptor):
            if time.monotonic() >= deadline:
                raise busy
            time.sleep(_POLL)
        yield
    finally:
        os.close(descriptor)


def _took_lock(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # a file system that knows no locks of folders, as some of the network: as without locks
        return error.errno in _NO_FOLDER_LOCKS
    return True


def _opened(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags)
    except OSError as error:
        raise storage_error(path, error) from error


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
