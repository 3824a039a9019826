"""Opening a bundle to run it: only one that this machine trusts."""

from pathlib import Path

from slsg_edge.bundle.folder import Bundle, open_bundle, require_bundle
from slsg_edge.bundle.trust import Trusted, require_trusted, trusted_keys


def trusted_bundle(path: str | Path) -> Bundle:
    """The bundle at `path`, with the manifest that was checked.

    BundleError when there is none, UntrustedBundle when a key is trusted here and it is not signed
    as it should be.
    """
    return bundle_and_trust(path)[0]


def bundle_and_trust(path: str | Path) -> tuple[Bundle, Trusted]:
    """As `trusted_bundle`, and who vouches for it."""
    path = Path(path)
    require_bundle(path)
    trusted = require_trusted(path, trusted_keys())
    if trusted.manifest is None:
        return open_bundle(path), trusted
    return Bundle(path, trusted.manifest, trusted.digests), trusted
