"""Whether a bundle may be opened on this machine: whose keys it trusts, and what they vouch for.

A machine that trusts no key opens every whole bundle. Once it trusts one, a bundle must be signed,
and nothing in it is parsed, but for the signatures, before each file is the one that was signed:
names and sizes, then signatures, then sha256, then the manifest.
"""

import hashlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slsg_edge.bundle.digests import Digests, bounded_content
from slsg_edge.bundle.envelope import SIGNATURES_FILE
from slsg_edge.bundle.files import files_of
from slsg_edge.bundle.keys import require_cryptography
from slsg_edge.bundle.manifest import DAMAGE, MANIFEST_LIMIT, Manifest, manifest_from_json
from slsg_edge.bundle.plan import MANIFEST_FILE
from slsg_edge.bundle.statement import (
    Entry,
    Statement,
    fixed_manifest_from,
    fixed_part,
    is_of_the_line,
)
from slsg_edge.bundle.trust_store import TrustStore as TrustStore
from slsg_edge.bundle.trust_store import trusted_keys as trusted_keys
from slsg_edge.bundle.voices import Signer as Signer
from slsg_edge.bundle.voices import Voice, refused, voices_of

_SHOWN = 12  # hex digits of an id


@dataclass(frozen=True, slots=True)
class Trusted:
    """What is known of a bundle that may be opened.

    signed: False where no key is trusted; then there are no signers, and the fingerprint is "".
    fingerprint: sha256 of what was signed, the same for each signer and after a new threshold.
    changed_here: whether its manifest or an engine is this machine's own.
    manifest: as it was checked; None where no key is trusted.
    """

    bundle: Path
    signed: bool
    fingerprint: str
    signers: Sequence[Signer] = ()
    changed_here: bool = False
    manifest: Manifest | None = None
    digests: Digests = field(default_factory=Digests, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Examined:
    """A bundle whose makers' signatures hold. present: every file as it is now.

    makers, devices: what was said of it. unknown: files that nobody accounts for.
    """

    bundle: Path
    present: Mapping[str, Entry]
    makers: Sequence[Voice]
    devices: Sequence[Voice]
    unknown: Sequence[str]
    manifest: bytes
    digests: Digests


def require_trusted(bundle: Path, store: TrustStore) -> Trusted:
    """UntrustedBundle, with the reason, unless `bundle` may be opened here."""
    if not store.enforced:
        return Trusted(bundle, signed=False, fingerprint="")
    examined = examine(bundle, store)
    if examined.unknown:
        name = examined.unknown[0]
        raise refused(bundle, _words_of_unknown(name, examined), _fix_of(bundle, name))
    return trusted_from(examined)


def examine(bundle: Path, store: TrustStore, *, accepting: bool = False) -> Examined:
    """As `require_trusted`, but files that a line may change need nobody to account for them.

    They are told in `unknown`; of these the manifest is not parsed here. accepting: whatever their
    sizes are, which are otherwise told before anything is hashed.
    """
    require_cryptography()
    sizes = files_of(bundle)
    voices, faults = voices_of(bundle, store, sizes)
    _require_sizes(bundle, sizes, voices, faults, accepting=accepting)
    digests = Digests()
    present = {
        name: Entry(digests.of(bundle / name), size)
        for name, size in sizes.items()
        if name not in (SIGNATURES_FILE, MANIFEST_FILE)
    }
    manifest = bounded_content(bundle / MANIFEST_FILE, MANIFEST_LIMIT)
    present[MANIFEST_FILE] = Entry(hashlib.sha256(manifest).hexdigest(), len(manifest))
    makers = _holding(bundle, store, present, voices, faults)
    known = {voice.statement.fingerprint for voice in makers}
    devices = [v for v in voices if v.signer is None and v.statement.of in known]
    unknown = [
        name
        for name, entry in present.items()
        if not any(voice.statement.files.get(name) == entry for voice in (*makers, *devices))
    ]
    return Examined(bundle, present, makers, devices, unknown, manifest, digests)


def trusted_from(examined: Examined) -> Trusted:
    """UntrustedBundle where the manifest says other than the makers signed."""
    manifest = _parsed(examined.bundle, examined.manifest)
    for voice in examined.makers:
        _require_same(examined.bundle, manifest, voice)
    said = [voice.statement for voice in examined.makers]
    makers_own = all(
        any(statement.files.get(name) == entry for statement in said)
        for name, entry in examined.present.items()
    )
    return Trusted(
        examined.bundle,
        signed=True,
        fingerprint=said[0].fingerprint,
        signers=tuple(voice.signer for voice in examined.makers if voice.signer),
        changed_here=not makers_own,
        manifest=manifest,
        digests=examined.digests,
    )


def _require_sizes(
    bundle: Path,
    sizes: Mapping[str, int],
    voices: Sequence[Voice],
    faults: Sequence[str],
    *,
    accepting: bool,
) -> None:
    """Before a byte of any file is read."""
    if not any(voice.signer for voice in voices):
        raise refused(bundle, *_why_none(bundle, faults))
    if MANIFEST_FILE not in sizes:
        raise refused(bundle, f"it has no {MANIFEST_FILE}", "Copy the bundle again.")
    for name, size in sizes.items():
        if name == SIGNATURES_FILE or (accepting and is_of_the_line(name)):
            continue
        said = [v.statement.files[name] for v in voices if name in v.statement.files]
        if not said:
            raise refused(bundle, _unnamed(name), _fix_of(bundle, name))
        if size not in {entry.length for entry in said}:
            raise refused(bundle, f"{name} is not as long as it was signed", _fix_of(bundle, name))


def _holding(
    bundle: Path,
    store: TrustStore,
    present: Mapping[str, Entry],
    voices: Iterable[Voice],
    faults: Sequence[str],
) -> list[Voice]:
    """Makers who signed what is here; UntrustedBundle unless these are all who are needed."""
    holding, others = list[Voice](), list(faults)
    for voice in voices:
        if voice.signer is None:
            continue
        if changed := _changed(voice.statement, present):
            others.append(changed)
            continue
        _require_not_refused(bundle, store, voice.statement.fingerprint)
        holding.append(voice)
    if not holding:
        raise refused(bundle, *_why_none(bundle, others))
    missing = set(store.required) - {voice.signer.role for voice in holding if voice.signer}
    if missing:
        whose = " and no ".join(sorted(missing))
        why = "; ".join((f"no {whose} signed it that this machine trusts", *others))
        raise refused(bundle, why, f"Let the {sorted(missing)[0]} sign it, too.")
    return holding


def _changed(statement: Statement, present: Mapping[str, Entry]) -> str | None:
    """What is not as this maker signed it."""
    fixed = statement.fixed
    for name, entry in fixed.items():
        if name not in present:
            return f"{name}, which was signed, is missing"
        if present[name] != entry:
            return f"{name} is not the file that was signed"
    more = [name for name in present if name not in fixed and not is_of_the_line(name)]
    return _unnamed(more[0]) if more else None


def _require_not_refused(bundle: Path, store: TrustStore, fingerprint: str) -> None:
    if fingerprint in store.kept.refused:
        why = store.kept.refused[fingerprint]
        raise refused(
            bundle,
            f"the release {fingerprint[:_SHOWN]} was revoked on this machine"
            + (f": {why}" if why else ""),
            "Take another release.",
        )


def _require_same(bundle: Path, manifest: Manifest, voice: Voice) -> None:
    try:
        signed = fixed_manifest_from(voice.statement.manifest)
    except DAMAGE as error:
        raise refused(
            bundle, f"the manifest that was signed cannot be read: {error}", "Sign it again."
        ) from error
    if fixed_part(manifest) != signed:
        raise refused(
            bundle,
            f"its {MANIFEST_FILE} says other than what was signed, and not only of thresholds "
            "and engines",
            _fix_of(bundle),
        )


def _parsed(bundle: Path, content: bytes) -> Manifest:
    try:
        return manifest_from_json(content)
    except DAMAGE as error:
        raise refused(
            bundle, f"its {MANIFEST_FILE} is damaged: {error}", _fix_of(bundle)
        ) from error


def _why_none(bundle: Path, faults: Sequence[str]) -> tuple[str, str]:
    """Of several reasons each once."""
    why = "; ".join(dict.fromkeys(faults)) or "nobody whom this machine trusts signed it"
    if "does not trust" in why:
        return why, "Where that key is to be trusted, run: slsg-edge trust add KEY.pub --role ROLE"
    return why, _fix_of(bundle)


def _words_of_unknown(name: str, examined: Examined) -> str:
    voices = (*examined.makers, *examined.devices)
    known = any(name in voice.statement.files for voice in voices)
    return f"{name} is not the file that was signed" if known else _unnamed(name)


def _unnamed(name: str) -> str:
    return f"{name} is in it, and nobody signed it"


def _fix_of(bundle: Path, name: str = "") -> str:
    """name: of a file that may have been made on this machine."""
    again = "Copy the bundle again from its source, or let its maker sign it again"
    if not is_of_the_line(name):
        return f"{again}."
    words = shlex.join(["slsg-edge", "trust", "accept", str(bundle)])
    return f"{again}; where this machine made that before it trusted a key, run: {words}"
