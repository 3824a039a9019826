"""Signing a bundle: who made it, or who lets it go, vouches for every file and for the manifest."""

import hashlib
import shlex
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from slsg_edge.bundle.digests import bounded_content
from slsg_edge.bundle.envelope import SIGNATURES_FILE, Envelope, signed, to_lines
from slsg_edge.bundle.files import files_of
from slsg_edge.bundle.folder import Bundle, open_bundle
from slsg_edge.bundle.keys import PrivateKey
from slsg_edge.bundle.manifest import MANIFEST_LIMIT
from slsg_edge.bundle.plan import MANIFEST_FILE
from slsg_edge.bundle.statement import Entry, Role, Statement, fixed_table, now, statement_from
from slsg_edge.bundle.voices import envelopes_of
from slsg_edge.errors import BundleError, ConfigError, StorageError
from slsg_edge.storage import locked, write_together

_PATIENCE = 60.0  # seconds: writing the files of a stage takes a few


@dataclass(frozen=True, slots=True)
class Signed:
    """statement: what was signed. others: how many more signatures the bundle has."""

    statement: Statement
    others: int


def sign(path: Path, key: PrivateKey, role: Role, expires: datetime | None = None) -> Signed:
    """Signs the bundle at `path` as it is now, in the place of an earlier signature in that role.

    ConfigError for a time that has passed. UntrustedBundle or StaleBundle for a file that is not
    as its stage wrote it, BundleError for one that no stage wrote: nobody can vouch for these.
    """
    if expires is not None and expires <= now():
        raise ConfigError(f"{expires.date()} has passed.", fix="Give a later --expires.")
    bundle = open_bundle(path)
    busy = StorageError(f"Another command is writing into {path}.", fix="Try again when it ended.")
    with locked(path, _PATIENCE, busy):
        statement = Statement(role, _entries(bundle), fixed_table(bundle.manifest), expires=expires)
        others = [one for one in _signatures(path) if not _is_of(one, key, role)]
        made = signed(statement.to_bytes(), key)
        write_together(path, {SIGNATURES_FILE: to_lines([*others, made])})
    return Signed(statement, len(others))


def _entries(bundle: Bundle) -> dict[str, Entry]:
    """Every file that is here, as its stage wrote it."""
    sizes = files_of(bundle.path)
    sizes.pop(SIGNATURES_FILE, None)
    for stage in bundle.manifest.stages:
        bundle.require_fresh(stage)
    return {
        name: _manifest_entry(bundle) if name == MANIFEST_FILE else _entry(bundle, name, size)
        for name, size in sizes.items()
    }


def _entry(bundle: Bundle, name: str, size: int) -> Entry:
    if not bundle.holds(name):
        path = bundle.path / name
        raise BundleError(
            f"{path} was written by no stage, so nobody can say what it is.",
            fix=f"Take it out: rm {shlex.quote(str(path))}",
        )
    bundle.file(name)
    outputs = (stage.outputs for stage in bundle.manifest.stages.values())
    return Entry(next(each[name] for each in outputs if name in each), size)


def _manifest_entry(bundle: Bundle) -> Entry:
    content = bounded_content(bundle.path / MANIFEST_FILE, MANIFEST_LIMIT)
    if open_bundle(bundle.path).manifest != bundle.manifest:
        raise BundleError(f"{bundle.path} was changed meanwhile.", fix="Sign it again.")
    return Entry(hashlib.sha256(content).hexdigest(), len(content))


def _signatures(path: Path) -> list[Envelope]:
    return envelopes_of(path) if (path / SIGNATURES_FILE).exists() else []


def _is_of(envelope: Envelope, key: PrivateKey, role: Role) -> bool:
    if envelope.key != key.public.id:
        return False
    try:
        return statement_from(envelope.payload).role == role
    except ValueError:
        return True
