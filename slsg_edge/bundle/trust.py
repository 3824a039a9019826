"""Whether a bundle may be opened on this machine: whose keys it trusts, and what they vouch for.

A machine that trusts no key opens every whole bundle. Once it trusts one, a bundle must be signed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["builder", "releaser"]


@dataclass(frozen=True, slots=True)
class TrustStore:
    """The keys that this machine trusts. folder: where they are kept.

    required: the roles that a bundle must be signed in; none: one signature of any trusted key.
    """

    folder: Path
    required: tuple[Role, ...] = ()

    @property
    def enforced(self) -> bool:
        """Whether a bundle must be signed here: some key was trusted, even if revoked since."""
        return False


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signature holds. name: what this machine calls the key; key: its id."""

    name: str
    role: Role
    key: str


@dataclass(frozen=True, slots=True)
class Trusted:
    """What is known of a bundle that may be opened.

    signed: False where no key is trusted; then there are no signers, and the fingerprint is "".
    fingerprint: sha256 of what was signed, the same for each signer and after a new threshold.
    """

    bundle: Path
    signed: bool
    fingerprint: str
    signers: Sequence[Signer] = ()


def trusted_keys(store: Path | None = None) -> TrustStore:
    """Of the folder `store`, else $SLSG_EDGE_TRUST, /etc/slsg-edge/trust when it exists, or
    ~/.config/slsg-edge/trust; ConfigError where that is damaged or others may write it.
    """
    return TrustStore(store or Path("~/.config/slsg-edge/trust").expanduser())


def require_trusted(bundle: Path, store: TrustStore) -> Trusted:
    """UntrustedBundle, with the reason, unless `bundle` may be opened here."""
    return Trusted(bundle, signed=False, fingerprint="")
