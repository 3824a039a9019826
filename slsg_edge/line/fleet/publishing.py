"""A repository of bundles for line PCs: a folder that any share or web server may serve.

Its metadata are those of The Update Framework (TUF, theupdateframework.io), written by python-tuf:
signed, with an end to each, so that a mirror can neither change a bundle, nor go back to an older
one, nor keep everybody on what it has for ever.
"""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slsg_edge.bundle.archive import ARCHIVE_SUFFIX, pack
from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.region import fingerprint_of
from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.storage import (
    locked,
    make_folder,
    storage_error,
    temporary_folder,
    write_atomically,
)

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner
    from tuf.api.metadata import Metadata

METADATA, TARGETS = "metadata", "targets"
# Which key signs which role: the online one signs often, the others lie in a safe meanwhile.
KEYS: Mapping[str, tuple[str, ...]] = {
    "root": ("root",),
    "releases": ("targets",),
    "online": ("snapshot", "timestamp"),
}
_ROLES = ("targets", "snapshot", "timestamp")
_YEARS = timedelta(days=5 * 365)  # of the root and of a release
_PATIENCE = 60.0  # seconds


def new_repository(folder: Path, keys: Path, fresh: timedelta) -> Path:
    """An empty repository, with new keys in the folder `keys`; gives its root.json, which every
    line PC gets by hand.

    fresh: how long what is served counts as new. ConfigError where there is one already.
    """
    from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

    if (folder / METADATA).exists() or (keys.exists() and any(keys.iterdir())):
        raise ConfigError(
            f"There is a repository at {folder}, or keys at {keys}.",
            fix="Give others, or publish into it: slsg-edge fleet publish",
        )
    signers = _new_keys(keys)
    root = Root(expires=_end(_YEARS))
    for name, roles in KEYS.items():
        for role in roles:
            root.add_key(signers[name].public_key, role)
    parts: dict[str, Metadata[Any]] = {
        "targets": Metadata(Targets(expires=_end(_YEARS))),
        "snapshot": Metadata(Snapshot(expires=_end(fresh))),
        "timestamp": Metadata(Timestamp(expires=_end(fresh))),
    }
    rooted = Metadata(root)
    rooted.sign(signers["root"])
    for place in (folder / METADATA, folder / TARGETS):
        make_folder(place)
    first = folder / METADATA / "1.root.json"
    write_atomically(first, rooted.to_bytes())
    for role in _ROLES:
        parts[role].sign(_signer_of(role, signers))
    _write(folder, parts)
    return first


def publish(
    folder: Path, keys: Path, bundle: Bundle, channel: str, product: str, fresh: timedelta
) -> str:
    """Packs the bundle and makes it the newest release of a product in a channel; its fingerprint.

    Line PCs see the old one or the new one, whole. ConfigError where there is no such repository;
    StorageError where it cannot be written.
    """
    from tuf.api.metadata import TargetFile

    fingerprint = fingerprint_of(bundle)
    name = target_name(channel, product)
    with _changing(folder, keys, fresh) as parts, temporary_folder() as place:
        packed = pack(bundle, place / f"{product}{ARCHIVE_SUFFIX}")
        target = TargetFile.from_file(name, str(packed), ["sha256"])
        target.unrecognized_fields["custom"] = {"fingerprint": fingerprint}
        stored = folder / TARGETS / channel / f"{target.hashes['sha256']}.{packed.name}"
        make_folder(stored.parent)
        _store(packed, stored)
        parts["targets"].signed.targets[name] = target
    return fingerprint


def refresh(folder: Path, keys: Path, fresh: timedelta) -> None:
    """Says that what is there is still the newest; needs the online key alone."""
    with _changing(folder, keys, fresh, roles=("snapshot", "timestamp")):
        pass


def target_name(channel: str, product: str) -> str:
    return f"{channel}/{product}{ARCHIVE_SUFFIX}"


@contextmanager
def _changing(
    folder: Path, keys: Path, fresh: timedelta, roles: tuple[str, ...] = _ROLES
) -> "Iterator[dict[str, Metadata[Any]]]":
    """The newest metadata, to be changed; signed anew with the next numbers at the end."""
    if not (folder / METADATA / "timestamp.json").is_file():
        raise ConfigError(
            f"{folder} is no repository of bundles.", fix=f"Run: slsg-edge fleet init {folder}"
        )
    busy = StorageError(f"Another command writes into {folder}.", fix="Run it again later.")
    with locked(folder, _PATIENCE, busy):
        signers = {name: _key(keys, name) for name in KEYS if set(KEYS[name]) & {*roles}}
        parts = {role: _newest(folder, role) for role in _ROLES}
        yield parts
        for role in roles:
            signed = parts[role].signed
            signed.version += 1
            signed.expires = _end(_YEARS if role == "targets" else fresh)
        parts["snapshot"].signed.meta["targets.json"].version = parts["targets"].signed.version
        parts["timestamp"].signed.snapshot_meta.version = parts["snapshot"].signed.version
        for role in roles:
            parts[role].sign(_signer_of(role, signers))
        _write(folder, {role: parts[role] for role in roles})


def _newest(folder: Path, role: str) -> "Metadata[Any]":
    from tuf.api.exceptions import RepositoryError
    from tuf.api.metadata import Metadata

    place = folder / METADATA
    if role == "timestamp":
        path = place / "timestamp.json"
    else:
        numbers = [int(each.name.partition(".")[0]) for each in place.glob(f"*.{role}.json")]
        path = place / f"{_named_version(folder, role) or max(numbers)}.{role}.json"
    try:
        return Metadata.from_file(str(path))
    except (RepositoryError, OSError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", fix="Restore it.") from error


def _named_version(folder: Path, role: str) -> int:
    """What is served, by the timestamp: a publication that was cut short left more."""
    timestamp = _newest(folder, "timestamp").signed
    if role == "snapshot":
        return int(timestamp.snapshot_meta.version)
    return int(_newest(folder, "snapshot").signed.meta["targets.json"].version)


def _write(folder: Path, parts: "Mapping[str, Metadata[Any]]") -> None:
    """The timestamp last: it alone is what line PCs begin with."""
    for role in _ROLES:
        if role in parts:
            number = "" if role == "timestamp" else f"{parts[role].signed.version}."
            write_atomically(folder / METADATA / f"{number}{role}.json", parts[role].to_bytes())


def _store(packed: Path, stored: Path) -> None:
    temporary = stored.with_name(f".{stored.name}.part")
    try:
        shutil.copyfile(packed, temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(stored)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise storage_error(stored, error) from error


def _new_keys(keys: Path) -> "dict[str, CryptoSigner]":
    from securesystemslib.signer import CryptoSigner

    make_folder(keys)
    made = {}
    for name in KEYS:
        made[name] = CryptoSigner.generate_ed25519()
        path = keys / f"{name}.pem"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(made[name].private_bytes)
                os.fsync(file.fileno())
        except OSError as error:
            raise storage_error(path, error) from error
    return made


def _key(keys: Path, name: str) -> "CryptoSigner":
    """ConfigError for one that is not there, or that others may read."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    path = keys / f"{name}.pem"
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError(f"Others may read the key {path}.", fix=f"Run: chmod 600 {path}")
        key = load_pem_private_key(path.read_bytes(), None)
        return CryptoSigner(key)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"The key {path} cannot be used: {error}.", fix="Give the folder of keys with --keys."
        ) from error


def _signer_of(role: str, signers: "Mapping[str, CryptoSigner]") -> "CryptoSigner":
    return next(signers[name] for name, roles in KEYS.items() if role in roles)


def _end(after: timedelta) -> datetime:
    return (datetime.now(timezone.utc) + after).replace(microsecond=0)
