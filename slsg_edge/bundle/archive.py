"""A bundle as one file, for a stick, a share or a download.

A zip of uncompressed files, the manifest first, the others in order of their names, all with the
same date: the same bundle gives the same bytes. What comes out of one is trusted no more than the
folder it becomes, and less is let through: nothing is written before names and sizes are known to
be harmless, and the bundle is there only when every file has the sha256 of the manifest.
"""

import hashlib
import os
import stat
import tempfile
import unicodedata
import zipfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import IO

from slsg_edge.bundle.digests import FILE_LIMIT
from slsg_edge.bundle.envelope import SIGNATURES_FILE, SIGNATURES_LIMIT
from slsg_edge.bundle.folder import Bundle, Manifest, check_name
from slsg_edge.bundle.manifest import DAMAGE, LONGEST_NAME, MANIFEST_LIMIT, manifest_from_json
from slsg_edge.bundle.plan import MANIFEST_FILE
from slsg_edge.errors import BundleError, ConfigError, UntrustedBundle
from slsg_edge.storage import (
    discard,
    make_folder,
    require_outside_bundles,
    storage_error,
    sync_folder,
    temporary_name,
)

ARCHIVE_SUFFIX = ".slsg.zip"
MOST_FILES = 1000
_BLOCK = 2**20  # bytes
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can say
_MODE = (stat.S_IFREG | 0o644) << 16


def pack(bundle: Bundle, target: Path) -> Path:
    """Every file that the manifest names and that is here, whole, as one archive at `target`.

    ConfigError where something else is there; UntrustedBundle for a file that was changed;
    StorageError where it cannot be written, and then nothing is.
    """
    if target.exists() and not zipfile.is_zipfile(target):
        raise ConfigError(f"{target} is no archive of a bundle.", fix="Give another name.")
    vouched = _vouched(bundle.manifest)
    names = sorted(name for name in (*vouched, SIGNATURES_FILE) if (bundle.path / name).exists())
    require_outside_bundles(target)
    temporary = temporary_name(target.absolute().parent)
    try:
        with temporary.open("wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for name in (MANIFEST_FILE, *names):
                    _add(archive, bundle, name, vouched.get(name))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        sync_folder(target.absolute().parent)
    except OSError as error:
        raise storage_error(target, error) from error
    finally:
        discard(temporary)
    return target


def unpack(archive: Path, target: Path) -> Path:
    """The bundle in `archive` as the folder `target`, which must be new.

    BundleError for what is no archive of a bundle, UntrustedBundle for one that would write
    elsewhere, is larger than it says, or holds other files than its manifest vouches for.
    Nothing is left at `target` then.
    """
    check_name(target)
    if target.exists():
        raise ConfigError(f"{target} is there already.", fix="Give a name that is not, with -o.")
    make_folder(target.absolute().parent)
    try:
        with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".unpacked-") as made:
            folder = Path(made) / target.name
            folder.mkdir()
            _extract(archive, folder)
            folder.rename(target)
    except zipfile.BadZipFile as error:
        raise BundleError(
            f"{archive} is no archive of a bundle: {error}.", fix="Copy it again from its source."
        ) from error
    except OSError as error:
        raise storage_error(target, error) from error
    return target


def _add(archive: zipfile.ZipFile, bundle: Bundle, name: str, recorded: str | None) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr, entry.create_system = _MODE, 3
    path = bundle.path / name
    entry.file_size = path.stat().st_size
    with path.open("rb") as source, archive.open(entry, "w") as target:
        digest = _copied(source, target)
    if recorded is not None and digest != recorded:
        raise UntrustedBundle(
            f"{path} is not the file that the manifest names.",
            fix=f"Run: slsg-edge info {bundle.path}",
        )


def _extract(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        entries = opened.infolist()
        if not entries or min(entry.header_offset for entry in entries):
            # what was found is an archive inside a file that was cut: a .npz is one, too
            raise zipfile.BadZipFile("its beginning or its end is missing")
        _require_harmless(entries, archive)
        content = _read_manifest(opened, archive)
        vouched = _vouched(_parsed(content, archive))
        given = {entry.filename for entry in entries} - {MANIFEST_FILE}
        if strange := sorted(given - set(vouched) - {SIGNATURES_FILE}):
            raise _untrusted(archive, f"its manifest does not name {strange[0]!r}")
        if SIGNATURES_FILE in given:
            signatures = _read_bounded(
                opened, opened.getinfo(SIGNATURES_FILE), archive, SIGNATURES_LIMIT
            )
            (folder / SIGNATURES_FILE).write_bytes(signatures)
        for name in sorted(given - {SIGNATURES_FILE}):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(name) as source, target.open("xb") as file:
                if _copied(source, file) != vouched[name]:
                    raise _untrusted(archive, f"{name} is not the file that its manifest names")
        (folder / MANIFEST_FILE).write_bytes(content)


def _require_harmless(entries: Collection[zipfile.ZipInfo], archive: Path) -> None:
    """Before a byte of any file is read."""
    if len(entries) > MOST_FILES:
        raise _untrusted(archive, f"it holds {len(entries)} files")
    seen: set[str] = set()
    for entry in entries:
        reason = _harm(entry)
        # on many file systems `A` is `a`, and a letter with its accent is one or two
        alike = unicodedata.normalize("NFC", entry.filename).casefold()
        if reason is None and alike in seen:
            reason = "is there twice"
        if reason is not None:
            raise _untrusted(archive, f"the name {entry.filename[:80]!r} {reason}")
        seen.add(alike)
    if sum(entry.file_size for entry in entries) > archive.stat().st_size:
        raise _untrusted(archive, "its files are larger than itself")


def _harm(entry: zipfile.ZipInfo) -> str | None:
    """Why an entry may not be written; None when it may."""
    name = entry.orig_filename
    path = PurePosixPath(name)
    if not name or len(name) > LONGEST_NAME or any(ord(letter) < 32 for letter in name):
        return "is no name of a file"
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        return "leads out of the bundle"
    if str(path) != name:
        return "is not written plainly"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "is no ordinary file"
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
        return "is compressed or encrypted, which no archive of ours is"
    if entry.file_size != entry.compress_size or entry.file_size > FILE_LIMIT:
        return "has a wrong size"
    return None


def _read_manifest(opened: zipfile.ZipFile, archive: Path) -> bytes:
    try:
        entry = opened.getinfo(MANIFEST_FILE)
    except KeyError:
        raise BundleError(
            f"{archive} is no archive of a bundle: it has no {MANIFEST_FILE}.",
            fix="Give what `slsg-edge pack` wrote.",
        ) from None
    return _read_bounded(opened, entry, archive, MANIFEST_LIMIT)


def _read_bounded(
    opened: zipfile.ZipFile, entry: zipfile.ZipInfo, archive: Path, limit: int
) -> bytes:
    if entry.file_size > limit:
        raise _untrusted(archive, f"its {entry.filename} has {entry.file_size >> 20} MiB")
    with opened.open(entry) as file:
        return file.read(limit + 1)


def _parsed(content: bytes, archive: Path) -> Manifest:
    try:
        return manifest_from_json(content)
    except DAMAGE as error:
        raise _untrusted(archive, f"its {MANIFEST_FILE} is damaged: {error}") from error


def _vouched(manifest: Manifest) -> dict[str, str]:
    """Name and sha256 of every file that the manifest vouches for."""
    stages = manifest.stages.values()
    return {name: digest for stage in stages for name, digest in stage.outputs.items()}


def _copied(source: IO[bytes], target: IO[bytes]) -> str:
    """The sha256 of what was copied."""
    digest = hashlib.sha256()
    while block := source.read(_BLOCK):
        digest.update(block)
        target.write(block)
    return digest.hexdigest()


def _untrusted(archive: Path, why: str) -> UntrustedBundle:
    return UntrustedBundle(f"{archive}: {why}.", fix="Nothing was unpacked. Get it again.")
