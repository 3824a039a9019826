"""A bundle copied beside the one that runs, and tried there, before anybody switches to it.

What comes from outside is copied first: whatever happens to the original afterwards, what was
checked is what runs. A copy that is not finished or did not pass is removed, also after a power
cut, by the next one.
"""

import importlib.util
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bounded import open_regular
from slsg_edge.bundle.archive import unpack
from slsg_edge.bundle.digests import FILE_LIMIT
from slsg_edge.bundle.folder import Bundle, open_bundle
from slsg_edge.bundle.plan import MANIFEST_FILE, SUFFIX
from slsg_edge.bundle.region import fingerprint_of
from slsg_edge.bundle.trust import Trusted, require_trusted, trusted_keys
from slsg_edge.errors import (
    BundleError,
    ConfigError,
    CudaError,
    StorageError,
    UntrustedBundle,
)
from slsg_edge.line.deploy import disk
from slsg_edge.line.deploy.apart import Apart, Facts
from slsg_edge.line.settings.line import StationSettings
from slsg_edge.machine.nvidia import gpu_count
from slsg_edge.machine.tensorrt import FULL
from slsg_edge.storage import locked, make_folder, storage_error

_STAGING = "staging"
_MOST_FILES = 1000
_BLOCK = 2**20  # bytes
_PATIENCE = 5.0  # seconds for another deployment to the same station
_BUILD = 3600.0  # seconds for an engine


@dataclass(frozen=True, slots=True)
class Copy:
    """A bundle that is on the disk for good. fingerprint: of what came. trusted: by whom."""

    path: Path
    fingerprint: str
    trusted: Trusted


@dataclass(frozen=True, slots=True)
class Staged:
    """A whole copy that gave its golden answers here.

    name: of its folder. facts: what it said of itself. notes: what is to be known, for people.
    """

    name: str
    facts: Facts
    notes: tuple[str, ...] = ()


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A folder for copies that are not finished; StorageError where another command stages one."""
    place = folder / _STAGING
    make_folder(place)
    _require_owner(place)
    busy = StorageError(
        f"Another command is deploying to {folder.name} just now.",
        fix="Wait until it has ended, then run this one again.",
    )
    try:
        with locked(place, _PATIENCE, busy):
            _sweep(place)
            try:
                yield place
            finally:
                _sweep(place)
    except OSError as error:
        raise storage_error(folder, error) from error


def copied(source: Path, place: Path, *, signed: bool = False) -> Copy:
    """A copy of the bundle or archive `source` that is whole and trusted; nobody ran it yet.

    signed: it must be, also where no key is trusted. UntrustedBundle, BundleError or StorageError
    where that cannot be had.
    """
    copy = place / f"new{SUFFIX}"
    copy_durably(_unpacked(source, place), copy)
    trusted = require_trusted(copy, trusted_keys())
    if signed and not trusted.signed:
        raise UntrustedBundle(
            f"{source} is not signed by a key that this machine trusts.",
            fix="Run `slsg-edge trust add` with the key of whoever makes your bundles, and sign "
            "the bundle with it.",
        )
    bundle = open_bundle(copy)
    require_whole(bundle)
    return Copy(copy, fingerprint_of(bundle), trusted)


def staged(
    copy: Copy, folder: Path, station: StationSettings, say: Callable[[str], None]
) -> Staged:
    """The copy among the station's bundles, once it gave its golden answers on this machine;
    BundleError where it does not.
    """
    notes = _with_engine(copy.path, station, say)
    say("its golden frames are tried in a process of their own")
    with closing(Apart(copy.path, station)) as apart:
        facts = apart.facts
    name = _free(folder, copy.fingerprint)
    disk.rename(copy.path, folder / name)
    disk.sync_folder(folder)
    return Staged(name, facts, notes)


def require_whole(bundle: Bundle) -> None:
    """UntrustedBundle, BundleError or StaleBundle unless every file that is there is as made."""
    for stage_ in bundle.manifest.stages.values():
        for name in stage_.outputs:
            if (bundle.path / name).exists():
                bundle.file(name)


def copy_durably(source: Path, target: Path) -> None:
    """Each file and folder on the disk when this returns. BundleError for what is no bundle or
    holds links and other things that are no files.
    """
    if not (source / MANIFEST_FILE).is_file():
        open_bundle(source)  # which says what it is instead
    disk.make_folder(target)
    for files, path in enumerate(sorted(source.rglob("*")), 1):
        kind = stat.S_IFMT(path.lstat().st_mode)
        if kind not in (stat.S_IFREG, stat.S_IFDIR) or files > _MOST_FILES:
            why = "holds very many files" if files > _MOST_FILES else f"holds {path.name}, no file"
            raise BundleError(f"{source} {why}.", fix="Copy the bundle again from its source.")
        aim = target / path.relative_to(source)
        if kind == stat.S_IFDIR:
            disk.make_folder(aim)
        else:
            _copy(path, aim)
    for made in [path for path in target.rglob("*") if path.is_dir()]:
        disk.sync_folder(made)
    disk.sync_folder(target)


def prune(folder: Path, place: Path, held: frozenset[str]) -> None:
    """Removes the copies that no state names. Each leaves the folder by one rename first, so that
    none is ever there in part.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if path.name not in held:
            disk.rename(path, place / f"old-{path.name}")
            disk.remove(place / f"old-{path.name}")


def _copy(source: Path, target: Path) -> None:
    try:
        with open_regular(source, FILE_LIMIT) as reading, target.open("wb") as writing:
            while block := reading.read(_BLOCK):
                disk.append(writing, block)
            disk.sync_file(writing)
    except ValueError as error:
        raise BundleError(f"{source}: {error}.", fix="Copy the bundle again.") from error


def _unpacked(source: Path, place: Path) -> Path:
    if source.is_dir() or not source.exists():
        return source
    return unpack(source, place / f"unpacked{SUFFIX}")


def _free(folder: Path, fingerprint: str) -> str:
    """The same bundle may be there already, with another threshold by now."""
    names = (f"{fingerprint}-{number}" for number in range(2, 10_000))
    name = fingerprint
    while (folder / f"{name}{SUFFIX}").exists():
        name = next(names)
    return f"{name}{SUFFIX}"


def _sweep(place: Path) -> None:
    for left in place.iterdir():
        disk.remove(left)


def _require_owner(place: Path) -> None:
    """Where root writes, the line that runs as somebody else could not change it any more."""
    owner = place.parent.parent.parent.stat().st_uid
    if os.geteuid() == 0 and owner != 0:
        raise ConfigError(
            f"{place.parent.parent.parent} belongs to the user {owner}, who runs the line.",
            fix=f"Run the command as that user: sudo -u '#{owner}' slsg-edge deploy …",
        )


def _has_gpu() -> bool:
    try:
        return gpu_count() > 0
    except CudaError:
        return False


def _with_engine(
    copy: Path, station: StationSettings, say: Callable[[str], None]
) -> tuple[str, ...]:
    """An engine for the GPU of this machine, where TensorRT is; notes where it did not work."""
    if station.backend is not None and not station.backend.startswith("tensorrt"):
        return ()
    if importlib.util.find_spec(FULL) is None or not _has_gpu():
        return ()
    say("an engine is built for this GPU; the station goes on meanwhile")
    command = [sys.executable, "-m", "slsg_edge", "build-engine", str(copy)]
    nice = shutil.which("nice")
    gently = [nice, "-n", "19"] if nice else []
    try:
        ran = subprocess.run([*gently, *command], capture_output=True, text=True, timeout=_BUILD)
    except (OSError, subprocess.TimeoutExpired) as error:
        return (f"no engine was built: {error}",)
    said = ran.stderr.strip().splitlines()
    return () if ran.returncode == 0 else (f"no engine was built: {' '.join(said[-2:])}",)
