"""Scores an archive: every image gets exactly one row, whatever fails, and none is scored twice."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from slsg_edge.archive.parts import Parts, counts_in
from slsg_edge.archive.rows import schema
from slsg_edge.archive.units import Unit, open_archive, units_of
from slsg_edge.archive.workers import Job, Task, run_tasks
from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.opening import trusted_bundle
from slsg_edge.contracts import Outcome
from slsg_edge.errors import DatasetError, StorageError
from slsg_edge.line.sources.redaction import redacted
from slsg_edge.machine.host import within_cores
from slsg_edge.runtime.judged import open_judged
from slsg_edge.storage import locked, require_outside_bundles

_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

Progress = Callable[[int, Mapping[str, int]], None]


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """workers: processes with one thread each. backend: None takes the best one here."""

    workers: int = 1
    backend: str | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """images: rows of the output. counts: of them, by verdict and by reason. units: tar files and
    thousands of images; reused: those that an earlier run had scored.
    """

    images: int
    counts: Mapping[str, int]
    units: int
    reused: int


def score_archive(
    bundle: Path, archive: str, output: Path, options: ScoreOptions, progress: Progress
) -> Scored:
    """Writes one row for each image of `archive` to the Parquet file `output`.

    progress: called with how many units are done, and with the counts so far.
    DatasetError without an image; BundleError for a bundle that cannot judge; StorageError;
    MissingDependency without fsspec or pyarrow. What was scored stays for the next try.
    """
    schema()  # before anything is read: pyarrow may be missing
    require_outside_bundles(output)
    opened = trusted_bundle(bundle)
    fingerprint, judged_by = _judge_of(opened, options.backend)
    files, root = open_archive(archive)
    parts = Parts(output, judged_by)
    with _alone(parts.folder):
        done = _Done(parts, progress)
        tasks = done.tasks(units_of(files, root))
        job = Job(bundle.resolve(), archive, root, options.backend, fingerprint)
        run_tasks(job, tasks, within_cores(options.workers), done.finished)
        if not done.paths:
            raise DatasetError(
                f"No image lies in {redacted(archive)}.",
                fix="Give a folder or a tar file with images, or the URL of one.",
            )
        parts.merge(done.paths)
    images = sum(done.counts[name] for name in _OUTCOMES)
    return Scored(images, dict(done.counts.most_common()), len(done.paths), done.reused)


def _judge_of(bundle: Bundle, backend: str | None) -> tuple[str, str]:
    """The bundle's fingerprint, and all that a verdict depends on beside the image."""
    with open_judged(bundle, backend, threads=1) as judged:
        name = judged.choice.backend if judged.choice else ""
        return judged.fingerprint, f"{judged.fingerprint} {name} {judged.threshold.value}"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    busy = StorageError(
        f"Another command scores into {folder} right now.",
        fix="Wait for its end or stop it, or give another --output.",
    )
    with locked(folder, 0.0, busy):
        yield


class _Done:
    """Which units are scored, in the order of the archive."""

    def __init__(self, parts: Parts, progress: Progress) -> None:
        self._parts, self._progress = parts, progress
        self.paths: list[Path] = []
        self.counts: Counter[str] = Counter()
        self.reused = self._finished = 0

    def tasks(self, units: Iterator[Unit]) -> Iterator[Task]:
        """Those that are not done yet."""
        for unit in units:
            task = Task(unit, self._parts.path(unit))
            self.paths.append(task.part)
            if not task.part.exists():
                yield task
                continue
            self.reused += 1
            self.finished(task)

    def finished(self, task: Task) -> None:
        self.counts.update(counts_in(task.part))
        self._finished += 1
        self._progress(self._finished, self.counts)
