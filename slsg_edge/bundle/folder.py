"""The bundle: a folder `<name>.slsg/` to which each stage adds files, vouched for by a manifest.

Knows nothing about what the files mean. A file is handed out only when its sha256 is the one in
the manifest and everything it was made from is still what it was made from. Several commands may
work on one bundle at once: each changes its own stage alone, and what would undo the work of
another is refused.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeAlias

from slsg_edge.bundle.commands import command_for, is_ours
from slsg_edge.bundle.device import signatures_for
from slsg_edge.bundle.digests import FILE_LIMIT, Content, Digests, bounded_content, unreadable
from slsg_edge.bundle.manifest import (
    DAMAGE,
    MANIFEST_LIMIT,
    Stage,
    json_from_manifest,
    manifest_from_json,
    renewed,
)
from slsg_edge.bundle.manifest import Manifest as Manifest
from slsg_edge.bundle.onnx_file import require_harmless, require_harmless_file
from slsg_edge.bundle.plan import (
    MANIFEST_FILE,
    SUFFIX,
    command_that_writes,
    planned_command,
    require_planned,
)
from slsg_edge.config import read_regular
from slsg_edge.contracts import Json
from slsg_edge.errors import (
    BundleChanged,
    BundleError,
    ConfigError,
    StaleBundle,
    StorageError,
    UntrustedBundle,
)
from slsg_edge.storage import locked, make_folder, require_outside_bundles, write_together

_PATIENCE = 60.0  # seconds: writing the files of a stage takes a few

Update: TypeAlias = Callable[[Manifest], Manifest]
"""What a stage changes in the manifest beside its own record."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A folder and its manifest as read; `commit` gives the next one and never changes this."""

    path: Path
    manifest: Manifest
    _digests: Digests = field(default_factory=Digests, compare=False, repr=False)

    def file(self, name: str) -> Path:
        """The path of a file that is whole and fresh.

        Raises BundleError when no stage wrote it yet, UntrustedBundle when its content is not
        what the manifest says or needs files that it does not name, StaleBundle when something
        it was made from has changed.
        """
        self.require_fresh(self._writer_of(name))
        path = self.path / name
        digest = self._digests.of(path)
        self._require_recorded(name, digest)
        if path.suffix == ".onnx":
            require_harmless_file(path, digest)
        return path

    def content(self, name: str) -> Content:
        """What `file` names, read once: what was hashed is what is given. Raises what `file` does.

        Whatever happens to the file afterwards, these are the bytes that the manifest vouches for.
        """
        self.require_fresh(self._writer_of(name))
        path = self.path / name
        data = bounded_content(path, FILE_LIMIT)
        self._require_recorded(name, hashlib.sha256(data).hexdigest())
        if path.suffix == ".onnx":
            require_harmless(path, data)
        return Content(path, data)

    def holds(self, name: str) -> bool:
        """Whether some stage wrote a file of this name."""
        return any(name in stage.outputs for stage in self.manifest.stages.values())

    def require_fresh(self, stage: str) -> None:
        """StaleBundle unless every input of `stage`, and of what made it, is what was read."""
        self._require_fresh(stage, set())

    def _require_fresh(self, stage: str, seen: set[str]) -> None:
        """Each stage once: many ways may lead to it."""
        if stage in seen:
            return
        seen.add(stage)
        for name, digest in self.manifest.stages[stage].inputs.items():
            self._require_fresh(self._writer_of(name), seen)
            if not self._recorded(name) == digest == self._present(name):
                raise StaleBundle(
                    f"{self.path}: '{stage}' is stale, {name} has changed since.",
                    fix=f"Run: {self.command_of(stage)}",
                )

    def command_of(self, stage: str) -> str:
        """What ran a stage, for the bundle where it lies now; the plan's where none of ours did."""
        recorded = self.manifest.stages[stage].command
        return command_for(recorded if is_ours(recorded) else planned_command(stage), self.path)

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
        update: Update | None = None,
    ) -> "Bundle":
        """Writes the files of a stage and then the manifest, as it stands on the disk by now.

        started: the time.monotonic() at which the stage began.
        inputs: the files of the bundle that it was made from.
        update: what changes in the manifest beside the stage's record.

        Nothing in the folder changes unless everything was written (StorageError). BundleChanged
        when another command wrote an input, or this very stage, since this bundle was opened.
        """
        require_planned(stage, files)
        with self._locked():
            current = self._current()
            current._require_unchanged_since(self, stage, tuple(inputs))
            record = Stage(
                command=command,
                finished=datetime.now(timezone.utc).isoformat(timespec="seconds"),
                seconds=round(time.monotonic() - started, 3),
                inputs={name: current._vouched_for(name) for name in inputs},
                outputs={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
                tools=dict(tools or {}),
                settings=dict(settings or {}),
            )
            return current._written(stage, record, files, update)

    def copy_stage(self, stage: str, target: Path) -> "Bundle":
        """A new bundle at `target` of this one stage, recorded as it was when it ran."""
        record = self.manifest.stages[stage]
        files = {name: self.content(name).data for name in record.outputs}
        new = new_bundle(target, replace(self.manifest, stages={}))
        with new._locked():
            current = new._current()
            current._require_unchanged_since(new, stage, ())
            return current._written(stage, record, files, None)

    def _written(
        self, stage: str, record: Stage, files: Mapping[str, bytes], update: Update | None
    ) -> "Bundle":
        """The folder must be locked."""
        manifest = update(self.manifest) if update else self.manifest
        manifest = replace(manifest, stages={**self.manifest.stages, stage: record})
        written = {**files, MANIFEST_FILE: json_from_manifest(manifest)}
        signatures = signatures_for(self.path, stage, self.manifest, written)
        write_together(self.path, {**signatures, **written})
        return Bundle(self.path, manifest, self._digests)

    def _current(self) -> "Bundle":
        """As the folder is now; this one where there is none on the disk yet."""
        if not (self.path / MANIFEST_FILE).exists():
            return self
        return Bundle(self.path, open_bundle(self.path).manifest, self._digests)

    def _require_unchanged_since(
        self, opened: "Bundle", stage: str, inputs: tuple[str, ...]
    ) -> None:
        """BundleChanged when another command wrote what this one is about to use or replace."""
        writers = (opened._writer_of(name) for name in inputs)
        for changed in dict.fromkeys((*writers, stage)):
            if self.manifest.stages.get(changed) != opened.manifest.stages.get(changed):
                raise BundleChanged(
                    f"{self.path}: another command changed '{changed}' while this one ran: "
                    f"{self._other_command(changed)}",
                    fix="Nothing of this one was written. Run it again if it is still wanted.",
                )

    def _other_command(self, stage: str) -> str:
        gone = "it is no longer in the bundle."
        return self.command_of(stage) if stage in self.manifest.stages else gone

    def _locked(self) -> AbstractContextManager[None]:
        """The folder, made if need be, for this process alone."""
        make_folder(self.path)
        busy = StorageError(
            f"Another command has been writing into {self.path} for {_PATIENCE:.0f} seconds.",
            fix="Wait until it has ended, then run this one again.",
        )
        return locked(self.path, _PATIENCE, busy)

    def _writer_of(self, name: str) -> str:
        for stage, record in self.manifest.stages.items():
            if name in record.outputs:
                return stage
        command = command_that_writes(name, self.path)
        raise BundleError(
            f"{self.path} holds no {name} yet.",
            fix=f"Run: {command}" if command else "Run the stage that writes it.",
        )

    def _require_recorded(self, name: str, digest: str) -> None:
        if digest != self._recorded(name):
            writer = self._writer_of(name)
            raise UntrustedBundle(
                f"{self.path / name} is not the file that '{writer}' wrote.",
                fix=f"Copy the bundle again, or run: {self.command_of(writer)}",
            )

    def _recorded(self, name: str) -> str:
        return self.manifest.stages[self._writer_of(name)].outputs[name]

    def _present(self, name: str) -> str:
        """The recorded one for a file that is not there: the line needs no weights."""
        path = self.path / name
        return self._digests.of(path) if path.exists() else self._recorded(name)

    def _vouched_for(self, name: str) -> str:
        """The recorded one, once the file is seen to have it."""
        self.file(name)
        return self._recorded(name)


def new_bundle(path: Path, manifest: Manifest) -> Bundle:
    """A bundle that is not on the disk yet; over an existing one it keeps the later stages."""
    check_name(path)
    if (path / MANIFEST_FILE).exists():
        manifest = renewed(open_bundle(path).manifest, manifest)
    return Bundle(path, manifest)


def check_name(path: Path) -> None:
    """ConfigError, or StorageError inside another bundle, unless `path` may become one."""
    if path.suffix != SUFFIX:
        raise ConfigError(f"'{path}' is no name of a bundle.", fix=f"Let it end in {SUFFIX}.")
    if path.exists() and not path.is_dir():
        raise ConfigError(f"{path} is a file.", fix="Choose another name for the bundle.")
    if path.is_dir() and any(path.iterdir()) and not (path / MANIFEST_FILE).exists():
        raise ConfigError(
            f"{path} is a folder with other things in it.", fix="Choose another name."
        )
    require_outside_bundles(path.parent)


def open_bundle(path: str | Path) -> Bundle:
    """The bundle at `path`; BundleError when there is none or its manifest cannot be read."""
    path = Path(path)
    require_bundle(path)
    manifest = path / MANIFEST_FILE
    try:
        return Bundle(path, manifest_from_json(read_regular(manifest, MANIFEST_LIMIT)))
    except OSError as error:
        raise unreadable(manifest, error) from error
    except DAMAGE as error:
        raise BundleError(
            f"{manifest} is damaged: {_reason(error)}.",
            fix="Copy the bundle again from its source.",
        ) from error


def require_bundle(path: Path) -> None:
    """BundleError for a folder without a manifest, or none."""
    if not path.exists():
        raise BundleError(
            f"There is no {path}.", fix="Give the path of a bundle; in a line.toml it is `bundle`."
        )
    if not _is_file(path / MANIFEST_FILE):
        raise BundleError(
            f"{path} is not a bundle: it has no {MANIFEST_FILE}.",
            fix=f"Give a folder that `slsg-edge train ... -o NAME{SUFFIX}` wrote.",
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no name that a file could have
        return False


def _reason(error: BaseException) -> str:
    """A KeyError says nothing but the key."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
