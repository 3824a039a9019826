"""Files that are wholly there or not at all, and folders that one process at a time writes."""

import contextlib
import errno
import functools
import importlib.util
import itertools
import os
import re
import shutil
import stat
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from slsg_edge.config import read_regular
from slsg_edge.errors import StorageError

_POLL = 0.05  # seconds between two tries for a lock
# What a file system answers that locks no folders, as NFS does.
_NO_FOLDER_LOCKS = (errno.EBADF, errno.EINVAL, errno.ENOTSUP, errno.ENOLCK, errno.EISDIR)
# What a file system answers that knows no hard links, as FAT does.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
_ABANDONED = 86_400.0  # seconds after which no process anywhere still writes a temporary file
TEMPORARY = re.compile(r"\.slsg-([0-9a-f]{8})-(\d+)-\d+\.tmp")
_TEMPORARY_FOLDER = re.compile(r"slsg-edge-([0-9a-f]{8})-(\d+)-.*")
_VOUCHED = (".slsg", "manifest.json")  # of a bundle, whose files only its stages write

_MARKS = ((b"\x89PNG", "a PNG"), (b"\xff\xd8", "a JPEG"), (b"<", "a page"))

_numbers = itertools.count()
_ours: set[str] = set()  # temporaries of this process


def write_atomically(path: Path, content: bytes) -> None:
    """All of `content` at `path`, or what was there before and a StorageError.

    What lies inside a bundle is refused, since each file there is vouched for, and so is a picture
    or a page in the place of anything else, as of an image of a data set.
    """
    require_outside_bundles(path)
    _require_same_kind(path, content)
    write_together(path.parent, {path.name: content})


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Several files below one folder, renamed in the order given once all of them are on the disk.

    A full disk or a missing permission is a StorageError before the first rename.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for name, content in files.items():
            target = folder / name
            staged.append((temporary_name(target.parent), target))
            _write_through(staged[-1][0], content)
        for temporary, target in staged:
            temporary.replace(target)
        for parent in dict.fromkeys(target.parent for _, target in staged):
            sync_folder(parent)
    except OSError as error:
        raise storage_error(folder, error) from error
    finally:
        for temporary, _ in staged:
            discard(temporary)


def write_new(path: Path, content: bytes) -> Path:
    """All of `content` at `path` or, where that is taken, at the next free name: `a_1.png` for
    `a.png`. Whatever other processes write there, nothing is overwritten. Gives where it is.
    """
    require_outside_bundles(path)
    temporary = temporary_name(path.parent)
    try:
        _write_through(temporary, content)
        for target in _names(path):
            with contextlib.suppress(FileExistsError):
                _link_or_rename(temporary, target)
                return target
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        discard(temporary)
    raise AssertionError("there is always another name")


def require_outside_bundles(path: Path) -> None:
    """StorageError for a path inside a bundle."""
    suffix, manifest = _VOUCHED
    folder = Path(os.path.realpath(path))
    for parent in (folder, *folder.parents):
        if parent.suffix == suffix and (parent / manifest).is_file():
            raise StorageError(
                f"{path} lies inside the bundle {parent}, which holds only what its stages wrote.",
                fix="Give a place outside of it.",
            )


def _require_same_kind(path: Path, content: bytes) -> None:
    kind = _kind(content)
    with contextlib.suppress(OSError, ValueError):
        there = read_regular(path, 2**40, at_most=16)
        if kind and there and _kind(there) != kind:
            raise StorageError(
                f"{path} holds something else than {kind}, so it was not overwritten.",
                fix="Give another name.",
            )


def _kind(content: bytes) -> str:
    """Empty for what has no mark of its own."""
    return next((kind for mark, kind in _MARKS if content.startswith(mark)), "")


def make_folder(folder: Path) -> None:
    """With its parents, each safe from a power cut; StorageError when that cannot be."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
    except OSError as error:
        raise storage_error(folder, error) from error


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for as long as it is needed. Those that a killed process left are removed."""
    place = Path(tempfile.gettempdir())
    _sweep(place)
    try:
        made = tempfile.mkdtemp(prefix=f"slsg-edge-{_host()}-{os.getpid()}-")
    except OSError as error:
        raise storage_error(place, error) from error
    _ours.add(Path(made).name)
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def locked(folder: Path, patience: float, busy: StorageError) -> Iterator[None]:
    """Holds `folder`, which must exist, for this process alone.

    The lock is the system's own (flock), which goes with the process however that ends, so none
    is ever left behind. Raises `busy` when another process holds it for `patience` seconds. Where
    the system or the file system has no such locks, nothing is held.
    """
    descriptor = _opened(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + patience
        while not take_lock(descriptor):
            if time.monotonic() >= deadline:
                raise busy
            time.sleep(_POLL)
        yield
    finally:
        os.close(descriptor)


def take_lock(descriptor: int) -> bool:
    """Whether an open file or folder is now this process's alone, until it is closed.

    True also where the system or the file system has no such locks.
    """
    if importlib.util.find_spec("fcntl") is None:  # Windows
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # a file system that knows no locks of folders, as some of the network: as without locks
        return error.errno in _NO_FOLDER_LOCKS
    return True


def storage_error(folder: Path, error: OSError) -> StorageError:
    """What to tell the user of an OSError while writing into or to `folder`."""
    where = error.filename or folder
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(f"The disk is full: cannot write {where}.", fix="Free some space.")
    return StorageError(
        f"Cannot write {where}: {error.strerror}.", fix="Check the path and its permissions."
    )


def _opened(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags)
    except OSError as error:
        raise storage_error(path, error) from error


def temporary_name(folder: Path) -> Path:
    """A name of this process alone in `folder`, which is made and swept where need be."""
    make_folder(folder)
    _sweep(folder)
    name = f".slsg-{_host()}-{os.getpid()}-{next(_numbers)}.tmp"
    _ours.add(name)
    return folder / name


def discard(temporary: Path) -> None:
    _ours.discard(temporary.name)
    with contextlib.suppress(OSError):  # a read-only disk has said so
        temporary.unlink(missing_ok=True)


def _names(path: Path) -> Iterator[Path]:
    yield path
    for number in itertools.count(1):
        yield path.with_name(f"{path.stem}_{number}{path.suffix}")


def _link_or_rename(temporary: Path, target: Path) -> None:
    """FileExistsError where there is a `target` already."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        temporary.replace(target)


@functools.cache
def _sweep(folder: Path) -> None:
    """Removes what killed processes left in `folder`; once, since a folder may hold very much."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                _remove_if_left(entry)


def _remove_if_left(entry: "os.DirEntry[str]") -> None:
    found = TEMPORARY.fullmatch(entry.name) or _TEMPORARY_FOLDER.fullmatch(entry.name)
    if found is None or entry.name in _ours:
        return
    state = entry.stat(follow_symlinks=False)
    here = found[1] == _host() and not _lives(int(found[2]))
    if not here and abs(time.time() - state.st_mtime) < _ABANDONED:
        return
    if stat.S_ISREG(state.st_mode):
        Path(entry.path).unlink()
    elif stat.S_ISDIR(state.st_mode) and state.st_uid == os.geteuid():
        shutil.rmtree(entry.path, ignore_errors=True)


def _lives(process: int) -> bool:
    """Whether another process of this number does; this one knows its own temporaries."""
    if os.name != "posix":  # there is no such question
        return True
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # of another user
        return True
    return True


@functools.cache
def _host() -> str:
    """Where a number of a process means the same one: this boot of this machine or container."""
    words = [os.uname().nodename if hasattr(os, "uname") else ""]
    with contextlib.suppress(OSError):
        words += [Path("/proc/sys/kernel/random/boot_id").read_text()]
        words += [str(Path("/proc/self/ns/pid").readlink())]
    return f"{zlib.crc32(' '.join(words).encode()):08x}"


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Makes the renames themselves survive a power cut; Windows has no such call."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
