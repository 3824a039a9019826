"""What a line PC itself vouches for in a bundle that makers signed: thresholds and engines.

A person with the token moves a threshold, and an engine is built for the GPU that is there. Both
change the manifest, so the machine signs it anew with its own key, beside the makers' signatures,
which go on to hold for everything else.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from slsg_edge.bundle.envelope import SIGNATURES_FILE, Envelope, signed, to_lines
from slsg_edge.bundle.keys import PrivateKey
from slsg_edge.bundle.manifest import Manifest
from slsg_edge.bundle.plan import MANIFEST_FILE
from slsg_edge.bundle.statement import (
    DEVICE,
    Entry,
    Statement,
    is_line_stage,
    is_of_the_line,
)
from slsg_edge.bundle.trust import Examined, examine, trusted_from
from slsg_edge.bundle.trust_store import TrustStore, trusted_keys
from slsg_edge.bundle.voices import envelopes_of, is_signed
from slsg_edge.errors import UntrustedBundle
from slsg_edge.storage import write_together


def signatures_for(
    bundle: Path, stage: str, before: Manifest, files: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The signatures to write, before `files` and so that they hold for the old files, too; none
    where this machine has nothing to sign.

    before: the manifest that `stage` changes. files: what it writes, the new manifest among them.
    ConfigError where the machine's key cannot be used: nothing may be written then, or the line
    would refuse its own bundle.
    """
    store = _store_for(bundle, stage)
    if store is None:
        return {}
    try:
        examined = examine(bundle, store)
        if examined.unknown or trusted_from(examined).manifest != before:
            return {}
    except UntrustedBundle:  # nobody's signature is made better than it was
        return {}
    present = {**examined.present, **{name: _entry(content) for name, content in files.items()}}
    return {SIGNATURES_FILE: _renewed(examined, present, store.device_key())}


def accept(bundle: Path, store: TrustStore) -> Sequence[str]:
    """Signs what was changed on this machine before it trusted a key: gives the files' names.

    UntrustedBundle where anything else is not as its makers signed it.
    """
    examined = examine(bundle, store, accepting=True)
    trusted_from(examined)
    if examined.unknown:
        content = _renewed(examined, examined.present, store.device_key())
        write_together(bundle, {SIGNATURES_FILE: content})
    return examined.unknown


def _store_for(bundle: Path, stage: str) -> TrustStore | None:
    """None where the machine has no part in it."""
    if not is_line_stage(stage) or not is_signed(bundle):
        return None
    store = trusted_keys()
    return store if store.enforced else None


def _renewed(examined: Examined, present: Mapping[str, Entry], key: PrivateKey) -> bytes:
    """Everybody else's; the machine's own for the manifest as it is still; and a new one."""
    others = [one for one in envelopes_of(examined.bundle) if one.key != key.public.id]
    now_there = examined.present[MANIFEST_FILE]
    own = [
        voice.envelope
        for voice in examined.devices
        if voice.statement.files.get(MANIFEST_FILE) == now_there
    ]
    return to_lines([*others, *own[-1:], _statement(examined, present, key)])


def _statement(examined: Examined, present: Mapping[str, Entry], key: PrivateKey) -> Envelope:
    files = {name: entry for name, entry in present.items() if is_of_the_line(name)}
    of = examined.makers[0].statement.fingerprint
    return signed(Statement(DEVICE, files, {"of": of}).to_bytes(), key)


def _entry(content: bytes) -> Entry:
    return Entry(hashlib.sha256(content).hexdigest(), len(content))
