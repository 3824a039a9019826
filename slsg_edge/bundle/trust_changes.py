"""Changes of the keys that a machine trusts: one command at a time, and all of a change or none.

The first change makes a key of the machine's own, which signs what is changed on the line.
"""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from slsg_edge.bundle.keys import PublicKey, new_key, private_key_from
from slsg_edge.bundle.statement import Role, now
from slsg_edge.bundle.trust_store import (
    DEVICE_KEY,
    STORE_FILE,
    Kept,
    TrustedKey,
    trusted_keys,
)
from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.storage import locked, make_folder, storage_error, write_together

Change: TypeAlias = Callable[[Kept], Kept]
_PATIENCE = 10.0  # seconds


def add_key(
    folder: Path, key: PublicKey, name: str, roles: tuple[Role, ...], expires: str | None
) -> TrustedKey:
    """ConfigError for a name or a key that is there already."""
    added = TrustedKey(name, key.raw.hex(), roles, now().isoformat(), expires)

    def change(kept: Kept) -> Kept:
        for known in kept.keys:
            if known.id == key.id or known.name == name:
                raise ConfigError(
                    f"A key of that name or content is there already: {known.name}.",
                    fix="Give another --name; a key that was revoked stays revoked.",
                )
        return replace(kept, keys=(*kept.keys, added))

    _changed(folder, change)
    return added


def revoke_key(folder: Path, name: str, why: str) -> TrustedKey:
    """Its signatures count no longer, whenever they were made."""
    wanted = trusted_keys(folder).named(name)
    revoked = replace(wanted, revoked=now().isoformat(), why=why or None)

    def change(kept: Kept) -> Kept:
        keys = (revoked if known.id == wanted.id else known for known in kept.keys)
        return replace(kept, keys=tuple(keys))

    _changed(folder, change)
    return revoked


def refuse_bundle(folder: Path, fingerprint: str, why: str) -> None:
    """Of one release, whoever signed it."""
    _changed(folder, lambda kept: replace(kept, refused={**kept.refused, fingerprint: why}))


def require_roles(folder: Path, roles: tuple[Role, ...]) -> None:
    """From now on a bundle must be signed in each of these; none: by any trusted key."""
    _changed(folder, lambda kept: replace(kept, require=roles))


def _changed(folder: Path, change: Change) -> None:
    """Reads, changes and writes the store, with a key of the machine's own from the first time."""
    _make_private(folder)
    busy = StorageError(f"Another command is changing {folder}.", fix="Try again.")
    with locked(folder, _PATIENCE, busy):
        kept = change(trusted_keys(folder).kept)
        if kept.device is None:
            kept = replace(kept, device=_own_key(folder).raw.hex())
        content = json.dumps(dataclasses.asdict(kept), indent=1).encode()
        write_together(folder, {STORE_FILE: content})
        (folder / STORE_FILE).chmod(0o644)


def _own_key(folder: Path) -> PublicKey:
    path = folder / DEVICE_KEY
    return private_key_from(path).public if path.exists() else new_key(path)


def _make_private(folder: Path) -> None:
    if folder.is_dir():
        return
    make_folder(folder)
    try:
        folder.chmod(0o755)
    except OSError as error:
        raise storage_error(folder, error) from error
