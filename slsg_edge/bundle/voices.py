"""Who signed a bundle: the signatures in it that count on this machine, and why others do not.

A signature's payload is parsed only once a key that this machine knows is seen to have signed it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bundle.digests import bounded_content
from slsg_edge.bundle.envelope import (
    SIGNATURES_FILE,
    SIGNATURES_LIMIT,
    Envelope,
    envelopes_from,
)
from slsg_edge.bundle.keys import PublicKey
from slsg_edge.bundle.manifest import MANIFEST_LIMIT
from slsg_edge.bundle.plan import MANIFEST_FILE
from slsg_edge.bundle.statement import DEVICE, Entry, Role, Statement, now, statement_from
from slsg_edge.bundle.trust_store import TrustedKey, TrustStore
from slsg_edge.errors import UntrustedBundle

_SHOWN = 12  # hex digits of an id


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signature holds. name: what this machine calls the key; key: its id.

    expires: when the signature or the key does, ISO 8601; None for never.
    """

    name: str
    role: Role
    key: str
    expires: str | None = None


@dataclass(frozen=True, slots=True)
class Voice:
    """A statement whose signature was verified with a key that counts."""

    signer: Signer | None
    statement: Statement
    envelope: Envelope


def is_signed(bundle: Path) -> bool:
    """Whether anybody signed it, whatever that is worth."""
    return (bundle / SIGNATURES_FILE).exists()


def covers_manifest(bundle: Path) -> bool:
    """Whether any signature, whatever it is worth, is of the manifest as it is now."""
    content = bounded_content(bundle / MANIFEST_FILE, MANIFEST_LIMIT)
    now_there = Entry(hashlib.sha256(content).hexdigest(), len(content))
    return any(_names(envelope, now_there) for envelope in envelopes_of(bundle))


def _names(envelope: Envelope, manifest: Entry) -> bool:
    try:
        return statement_from(envelope.payload).files.get(MANIFEST_FILE) == manifest
    except ValueError:
        return False


def envelopes_of(bundle: Path) -> list[Envelope]:
    """Those that are stored, whatever they are worth; UntrustedBundle where they are damaged."""
    try:
        return envelopes_from(bounded_content(bundle / SIGNATURES_FILE, SIGNATURES_LIMIT))
    except ValueError as error:
        raise refused(
            bundle, f"its {SIGNATURES_FILE} is damaged: {error}", "Copy the bundle again."
        ) from error


def voices_of(
    bundle: Path, store: TrustStore, sizes: Mapping[str, int]
) -> tuple[list[Voice], list[str]]:
    """Statements whose signatures hold, and why others do not count."""
    if SIGNATURES_FILE not in sizes:
        raise refused(
            bundle,
            "it is not signed",
            f"Take one that is signed, or sign it where it was made: slsg-edge sign {bundle.name} "
            "--key NAME.key",
        )
    voices, faults = list[Voice](), list[str]()
    for envelope in envelopes_of(bundle):
        heard = _heard(envelope, store)
        if isinstance(heard, Voice):
            voices.append(heard)
        else:
            faults.append(heard)
    return voices, faults


def _heard(envelope: Envelope, store: TrustStore) -> Voice | str:
    """A voice, or why there is none."""
    if store.device is not None and envelope.key == store.device.id:
        said = _said(envelope, store.device, "this machine")
        return said if isinstance(said, str) else _own_voice(said, envelope)
    known = store.with_id(envelope.key)
    if known is None:
        key = ascii(envelope.key[:_SHOWN])
        return f"it is signed with the key {key}, which this machine does not trust"
    said = _said(envelope, known.key, known.name)
    return said if isinstance(said, str) else _makers_voice(said, known, envelope)


def _said(envelope: Envelope, key: PublicKey, name: str) -> Statement | str:
    if not envelope.holds_for(key):
        return f"a signature of {name} is wrong"
    try:
        return statement_from(envelope.payload)
    except ValueError as error:
        return f"what {name} signed cannot be read: {error}"


def _makers_voice(statement: Statement, known: TrustedKey, envelope: Envelope) -> Voice | str:
    if fault := known.fault or _expired(statement, known.name):
        return fault
    if statement.role == DEVICE or statement.role not in known.roles:
        return f"the key {known.name} may not sign as {statement.role}"
    expires = statement.expires.isoformat() if statement.expires else None
    ends = min(filter(None, (known.expires, expires)), default=None)
    return Voice(Signer(known.name, statement.role, known.id, ends), statement, envelope)


def _own_voice(statement: Statement, envelope: Envelope) -> Voice | str:
    """The machine vouches for nothing but what a line may change."""
    if statement.role != DEVICE or statement.fixed:
        return "this machine signed what only a maker may"
    return Voice(None, statement, envelope)


def _expired(statement: Statement, name: str) -> str | None:
    if statement.expires is None or now() <= statement.expires:
        return None
    return f"the signature of {name} expired on {statement.expires.date()}"


def refused(bundle: Path, why: str, fix: str) -> UntrustedBundle:
    return UntrustedBundle(f"{bundle} is not trusted: {why}.", fix=fix)
