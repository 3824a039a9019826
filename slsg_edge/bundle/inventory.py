"""What is in a bundle, and the state of every file and stage. Raises nothing for a bad file."""

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias, cast

from slsg_edge.bundle.commands import command_for
from slsg_edge.bundle.folder import Bundle
from slsg_edge.contracts import Json
from slsg_edge.errors import BundleError, StaleBundle, UntrustedBundle

State: TypeAlias = Literal["fresh", "stale", "damaged", "missing"]
_SHORT = 12  # of 64 hex digits: enough to tell two files apart


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a bundle; `size` is None where it is missing."""

    name: str
    stage: str
    state: State
    size: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class StageEntry:
    """One stage; stale when an input changed since, with what to do in `reason`."""

    name: str
    state: State
    finished: str
    seconds: float
    command: str
    tools: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Inventory:
    """A bundle as found on the disk."""

    bundle: Bundle
    stages: tuple[StageEntry, ...]
    files: tuple[FileEntry, ...]


def inventory_of(bundle: Bundle) -> Inventory:
    """Reads every file once, for its sha256."""
    stages = bundle.manifest.stages
    return Inventory(
        bundle,
        tuple(_stage(bundle, name) for name in stages),
        tuple(
            _file(bundle, stage, name, digest)
            for stage, record in stages.items()
            for name, digest in record.outputs.items()
        ),
    )


def summary_of(inventory: Inventory) -> dict[str, Json]:
    """Everything but the good scores, for machines."""
    manifest = inventory.bundle.manifest
    threshold = manifest.threshold
    summary = {
        "path": str(inventory.bundle.path),
        "format": manifest.format,
        "detector": manifest.detector,
        "spec": dict(manifest.spec),
        "preprocessing": asdict(manifest.preprocessing),
        "threshold": threshold
        and {
            "value": threshold.value,
            "method": threshold.method,
            "false_alarm_rate": threshold.false_alarm_rate,
            "interval": threshold.interval,
            "images": len(threshold.good_scores),
            "data_fingerprint": threshold.data_fingerprint,
            "left_out": threshold.left_out,
            "undecided_above": threshold.undecided_above,
            "chosen_by": threshold.chosen_by,
            "points": [asdict(point) for point in threshold.points],
        },
        "stages": [
            {**asdict(entry), "settings": dict(manifest.stages[entry.name].settings)}
            for entry in inventory.stages
        ],
        "files": [asdict(entry) for entry in inventory.files],
    }
    return cast("dict[str, Json]", summary)


def _stage(bundle: Bundle, name: str) -> StageEntry:
    record = bundle.manifest.stages[name]
    reason = None
    try:
        bundle.require_fresh(name)
    except BundleError as error:
        reason = str(error)
    return StageEntry(
        name,
        "stale" if reason else "fresh",
        record.finished,
        record.seconds,
        command_for(record.command, bundle.path),
        ", ".join(f"{tool} {version}" for tool, version in record.tools.items()),
        reason,
    )


def _file(bundle: Bundle, stage: str, name: str, digest: str) -> FileEntry:
    path = bundle.path / name
    size = path.stat().st_size if path.is_file() else None
    return FileEntry(name, stage, _state(bundle, name, size), size, digest[:_SHORT])


def _state(bundle: Bundle, name: str, size: int | None) -> State:
    if size is None:
        return "missing"
    try:
        bundle.file(name)
    except StaleBundle:
        return "stale"
    except (UntrustedBundle, BundleError):
        return "damaged"
    return "fresh"
