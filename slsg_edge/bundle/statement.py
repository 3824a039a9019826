"""What a signer says of a bundle: every file by its sha256 and length, and the manifest.

An in-toto statement (github.com/in-toto/attestation, Statement v1). A line changes its thresholds
and builds its own engines, so a statement tells what is fixed from what a line may change. The
manifest stands in it without the latter.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias, cast, get_args

from slsg_edge.bundle.manifest import Manifest, manifest_from_json
from slsg_edge.bundle.plan import ENGINE_FOLDER, MANIFEST_FILE, THRESHOLD_STAGE
from slsg_edge.config import json_from
from slsg_edge.contracts import Json

Role: TypeAlias = Literal["builder", "releaser"]
"""builder: made the bundle. releaser: lets it go to the lines."""
Voice: TypeAlias = Literal["builder", "releaser", "device"]
"""device: the line PC itself, for what a line may change."""
ROLES: tuple[Role, ...] = get_args(Role)
DEVICE: Literal["device"] = "device"

# What is made on the line, and so need not be the maker's.
_LINE_STAGES = (THRESHOLD_STAGE, "threshold-*", "build-engine:*")
_LIMIT = 2**20  # bytes
_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE = "urn:slsg-edge:bundle:1"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KEYS = {"_type", "subject", "predicateType", "predicate"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as it was signed. length: in bytes."""

    sha256: str
    length: int


@dataclass(frozen=True, slots=True)
class Statement:
    """files: by their names in the bundle, the manifest among them.

    manifest: the manifest's table without what a line may change. A device's has the fingerprint
    of the makers' statement that it stands beside, and nothing else.
    signed, expires: UTC.
    """

    role: Voice
    files: Mapping[str, Entry]
    manifest: Mapping[str, Json] = field(default_factory=dict)
    signed: datetime = field(default_factory=lambda: now())
    expires: datetime | None = None

    @property
    def fixed(self) -> dict[str, Entry]:
        """The files that must be as they were signed wherever the bundle lies."""
        return {name: entry for name, entry in self.files.items() if not is_of_the_line(name)}

    @property
    def fingerprint(self) -> str:
        """sha256 of what is fixed: the same after a new threshold or engine, and for whoever signs
        the same bundle with the same version.
        """
        fixed = {name: entry.sha256 for name, entry in self.fixed.items()}
        return hashlib.sha256(_canonical({"files": fixed, "manifest": self.manifest})).hexdigest()

    @property
    def of(self) -> Json:
        """For a device's: the fingerprint that makers signed."""
        return self.manifest.get("of")

    def to_bytes(self) -> bytes:
        subjects = [
            {
                "name": name,
                "digest": {"sha256": entry.sha256},
                "annotations": {"length": entry.length},
            }
            for name, entry in sorted(self.files.items())
        ]
        predicate = {
            "role": self.role,
            "manifest": self.manifest,
            "signed": self.signed.isoformat(),
            "expires": self.expires and self.expires.isoformat(),
        }
        table = {
            "_type": _TYPE,
            "subject": subjects,
            "predicateType": _PREDICATE,
            "predicate": predicate,
        }
        return _canonical(table)


def now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)


def statement_from(content: bytes) -> Statement:
    """ValueError for anything but what `to_bytes` gave; it must come from a trusted signer."""
    try:
        table = json_from(content, _LIMIT)
        if set(table) != _KEYS or (table["_type"], table["predicateType"]) != (_TYPE, _PREDICATE):
            raise ValueError("it is of another kind or a newer version")
        said = table["predicate"]
        if said["role"] not in get_args(Voice) or not isinstance(said["manifest"], dict):
            raise ValueError("its role is not known")
        expires = said["expires"]
        return Statement(
            said["role"],
            _files(table["subject"]),
            said["manifest"],
            _time(said["signed"]),
            None if expires is None else _time(expires),
        )
    except (TypeError, LookupError, AttributeError) as error:
        raise ValueError(f"it is damaged: {error}") from error


def is_of_the_line(name: str) -> bool:
    """Whether a file of a bundle may be made anew on the line."""
    return name == MANIFEST_FILE or name.startswith(f"{ENGINE_FOLDER}/")


def is_line_stage(stage: str) -> bool:
    return any(fnmatchcase(stage, pattern) for pattern in _LINE_STAGES)


def fixed_part(manifest: Manifest) -> Manifest:
    """Without what a line may change."""
    stages = {name: done for name, done in manifest.stages.items() if not is_line_stage(name)}
    return replace(manifest, threshold=None, thresholds={}, stages=stages)


def fixed_table(manifest: Manifest) -> dict[str, Json]:
    return cast("dict[str, Json]", dataclasses.asdict(fixed_part(manifest)))


def fixed_manifest_from(table: Mapping[str, Json]) -> Manifest:
    """Any of the manifest's DAMAGE; what a newer version added has its default."""
    return fixed_part(manifest_from_json(_canonical(table)))


def _files(subjects: Any) -> dict[str, Entry]:
    files = {subject["name"]: _entry(subject) for subject in subjects}
    if len(files) != len(subjects) or not all(isinstance(name, str) for name in files):
        raise ValueError("it names a file twice")
    return files


def _entry(subject: Any) -> Entry:
    digest, length = subject["digest"]["sha256"], subject["annotations"]["length"]
    if type(length) is not int or length < 0 or not _SHA256.fullmatch(digest):
        raise ValueError(f"what it says of {str(subject['name'])[:80]!r} is no sha256 and length")
    return Entry(digest, length)


def _time(text: str) -> datetime:
    """ValueError without a time zone: nobody could say when that is."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError(f"'{text}' has no time zone")
    return read


def _canonical(table: Mapping[str, Any]) -> bytes:
    return json.dumps(table, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
