"""The bundle: a folder `<name>.slsg/` to which each stage adds files, vouched for by a manifest.

Knows nothing about what the files mean. A file is handed out only when its sha256 is the one in
the manifest and everything it was made from is still what it was made from.
"""

import dataclasses
import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from slsg_edge.bundle.manifest import DAMAGE, Stage, json_from_manifest, manifest_from_json
from slsg_edge.bundle.manifest import Manifest as Manifest
from slsg_edge.contracts import Json, Precision
from slsg_edge.errors import BundleError, ConfigError, StaleBundle, UntrustedBundle
from slsg_edge.storage import write_together

MANIFEST = "manifest.json"
SUFFIX = ".slsg"
# The same network at each precision; fp32 is the reference that the others are judged by.
MODEL_FILES: Mapping[Precision, str] = {
    "fp32": "model.onnx",
    "fp16": "model.fp16.onnx",
    "int8": "model.int8.onnx",
}
MANIFEST_LIMIT = 64 * 2**20  # bytes: a larger one is no manifest of ours


@dataclass(frozen=True, slots=True)
class Bundle:
    """A folder and its manifest as read; `commit` gives the next one and never changes this."""

    path: Path
    manifest: Manifest

    def file(self, name: str) -> Path:
        """The path of a file that is whole and fresh.

        Raises BundleError when no stage wrote it yet, UntrustedBundle when its content is not
        what the manifest says, StaleBundle when something it was made from has changed.
        """
        writer = self._writer_of(name)
        self.require_fresh(writer)
        path = self.path / name
        if _sha256_of(path) != self._recorded(name):
            raise UntrustedBundle(
                f"{path} is not the file that '{writer}' wrote.",
                fix=f"Copy the bundle again, or run: {self._command_of(writer)}",
            )
        return path

    def holds(self, name: str) -> bool:
        """Whether some stage wrote a file of this name."""
        return any(name in stage.outputs for stage in self.manifest.stages.values())

    def require_fresh(self, stage: str) -> None:
        """StaleBundle unless every input of `stage` is still the file it read."""
        for name, digest in self.manifest.stages[stage].inputs.items():
            self.require_fresh(self._writer_of(name))
            if not self._recorded(name) == digest == self._present(name):
                raise StaleBundle(
                    f"{self.path}: '{stage}' is stale, {name} has changed since.",
                    fix=f"Run: {self._command_of(stage)}",
                )

    def commit(
        self,
        stage: str,
        files: Mapping[str, bytes],
        *,
        command: str,
        started: float,
        inputs: Iterable[str] = (),
        tools: Mapping[str, str] | None = None,
        settings: Mapping[str, Json] | None = None,
        **changes: Any,
    ) -> "Bundle":
        """Writes the files of a stage and then the manifest; `changes` are manifest fields.

        `started` is the time.monotonic() at which the stage began. Nothing in the folder
        changes unless everything was written (StorageError).
        """
        record = Stage(
            command=command,
            finished=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - started, 3),
            inputs={name: self._vouched_for(name) for name in inputs},
            outputs={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
            tools=dict(tools or {}),
            settings=dict(settings or {}),
        )
        stages = {**self.manifest.stages, stage: record}
        manifest = dataclasses.replace(self.manifest, stages=stages, **changes)
        write_together(self.path, {**files, MANIFEST: json_from_manifest(manifest)})
        return Bundle(self.path, manifest)

    def _writer_of(self, name: str) -> str:
        for stage, record in self.manifest.stages.items():
            if name in record.outputs:
                return stage
        raise BundleError(f"{self.path} holds no {name} yet.", fix=_next_step(name, self.path))

    def _recorded(self, name: str) -> str:
        return self.manifest.stages[self._writer_of(name)].outputs[name]

    def _present(self, name: str) -> str:
        """The recorded one for a file that is not there: the line needs no weights."""
        path = self.path / name
        return _sha256_of(path) if path.exists() else self._recorded(name)

    def _vouched_for(self, name: str) -> str:
        """The recorded one, once the file is seen to have it."""
        self.file(name)
        return self._recorded(name)

    def _command_of(self, stage: str) -> str:
        return self.manifest.stages[stage].command


def new_bundle(path: Path, manifest: Manifest) -> Bundle:
    """A bundle that is not on the disk yet; over an existing one it keeps the later stages.

    They are stale then, and say so, rather than vanish.
    """
    check_name(path)
    if (path / MANIFEST).exists():
        old = open_bundle(path).manifest
        manifest = dataclasses.replace(
            manifest,
            threshold=old.threshold,
            stages=old.stages,
            thresholds=old.thresholds,
            tolerances=old.tolerances,
        )
    return Bundle(path, manifest)


def check_name(path: Path) -> None:
    """ConfigError unless `path` may become a bundle."""
    if path.suffix != SUFFIX:
        raise ConfigError(f"'{path}' is no name of a bundle.", fix=f"Let it end in {SUFFIX}.")
    if path.exists() and not path.is_dir():
        raise ConfigError(f"{path} is a file.", fix="Choose another name for the bundle.")
    if path.is_dir() and any(path.iterdir()) and not (path / MANIFEST).exists():
        raise ConfigError(
            f"{path} is a folder with other things in it.", fix="Choose another name."
        )


def open_bundle(path: Path) -> Bundle:
    """The bundle at `path`; BundleError when there is none or its manifest cannot be read."""
    manifest = path / MANIFEST
    if not manifest.is_file():
        raise BundleError(
            f"{path} is not a bundle: it has no {MANIFEST}.",
            fix=f"Give a folder that `slsg-edge train ... -o NAME{SUFFIX}` wrote.",
        )
    try:
        if manifest.stat().st_size > MANIFEST_LIMIT:
            raise ValueError(f"larger than {MANIFEST_LIMIT} bytes")
        return Bundle(path, manifest_from_json(manifest.read_bytes()))
    except DAMAGE as error:
        raise BundleError(
            f"{manifest} is damaged: {error}.", fix="Copy the bundle again from its source."
        ) from error


def _sha256_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return _digest_of(file)
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read: {error.strerror}.", fix="Copy the bundle again."
        ) from error


def _digest_of(file: Any) -> str:
    digest = hashlib.sha256()
    while block := file.read(2**20):
        digest.update(block)
    return digest.hexdigest()


def _next_step(name: str, path: Path) -> str:
    if name in (MODEL_FILES["fp32"], MODEL_FILES["fp16"]):
        return f"Run: slsg-edge export {path}"
    if name == MODEL_FILES["int8"]:
        return f"Run: slsg-edge calibrate {path} --int8 --images DIR"
    return "Run the stage that writes it."
