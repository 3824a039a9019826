"""A bundle that looks at another region of interest, and which bundle gave a verdict."""

import hashlib
from dataclasses import replace

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.manifest import DAMAGE, MANIFEST_LIMIT, json_from_manifest, manifest_from_json
from slsg_edge.bundle.plan import MANIFEST_FILE
from slsg_edge.config import read_regular
from slsg_edge.preprocessing import Roi

_DIGITS = 16  # hex digits of a fingerprint


def with_region(bundle: Bundle, roi: Roi | None) -> Bundle:
    """The bundle with `roi` as its region of interest, in memory only; None is the whole frame.

    Its threshold was found on the region that the bundle has on the disk.
    """
    preprocessing = replace(bundle.manifest.preprocessing, roi=roi)
    return replace(bundle, manifest=replace(bundle.manifest, preprocessing=preprocessing))


def fingerprint_of(bundle: Bundle) -> str:
    """Which bundle gave a verdict, as 16 hex digits for its records.

    For a bundle as it stands on the disk these are the first digits of the sha256 of its
    manifest.json, which vouches for everything else in it. A bundle that was changed in memory,
    as by `with_region`, or on the disk since it was opened, has the digits that its manifest
    would have if it were written: the same change always gives the same ones.
    """
    return hashlib.sha256(_manifest_bytes(bundle)).hexdigest()[:_DIGITS]


def _manifest_bytes(bundle: Bundle) -> bytes:
    """Of the file where it says what the bundle in memory says, else as it would be written."""
    try:
        stored = read_regular(bundle.path / MANIFEST_FILE, MANIFEST_LIMIT)
        if manifest_from_json(stored) == bundle.manifest:
            return stored
    except DAMAGE:  # it was removed or spoiled since the bundle was opened
        pass
    return json_from_manifest(bundle.manifest)
