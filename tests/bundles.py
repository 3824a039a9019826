"""Short ways to put things into bundles."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from slsg_edge.bundle.digests import Content
from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.manifest import Manifest
from slsg_edge.bundle.plan import PLAN
from slsg_edge.scoring import Threshold


def unchecked(path: Path) -> Content:
    """A file as if its sha256 had been seen to be the recorded one."""
    return Content(path, path.read_bytes())


def sets(**changes: Any) -> Callable[[Manifest], Manifest]:
    """For `Bundle.commit(update=...)`: these entries of the manifest."""
    return lambda manifest: replace(manifest, **changes)


def with_file(bundle: Bundle, name: str, content: bytes) -> Bundle:
    """One file more, or another content, in the stage that is planned to write it."""
    planned = next(stage for stage in PLAN if any(fnmatchcase(name, p) for p in stage.files))
    stage = planned.name.replace("*", "x")
    record = bundle.manifest.stages.get(stage)
    files = (
        {other: (bundle.path / other).read_bytes() for other in record.outputs} if record else {}
    )
    command = record.command if record else planned.command
    return bundle.commit(stage, {**files, name: content}, command=command, started=0.0)


def commit(
    bundle: Bundle,
    stage: str,
    files: Mapping[str, bytes],
    changes: Mapping[str, Any] | None = None,
    **options: Any,
) -> Bundle:
    """`changes`: entries of the manifest that the stage sets."""
    update = None if changes is None else lambda manifest: replace(manifest, **changes)
    command = f"slsg-edge {stage} {{bundle}}"
    return bundle.commit(
        stage, files, command=command, started=time.monotonic(), update=update, **options
    )


def with_threshold(bundle: Bundle, threshold: Threshold) -> Bundle:
    """As `calibrate` leaves it, found on the FP32 graph."""
    return commit(bundle, "calibrate", {}, {"threshold": threshold}, inputs=("model.onnx",))


def rewrite(bundle: Bundle, change: Callable[[dict[str, Any]], object]) -> Path:
    """The manifest on the disk after `change` of its table."""
    path = bundle.path / "manifest.json"
    table = json.loads(path.read_bytes())
    change(table)
    path.write_text(json.dumps(table))
    return bundle.path
