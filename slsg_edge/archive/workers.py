"""Processes that score units of an archive, and what becomes of a unit whose process is killed."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from slsg_edge.archive.parts import write_part
from slsg_edge.archive.pictures import Picture, pictures_of
from slsg_edge.archive.rows import row_of, undecided_row
from slsg_edge.archive.units import Unit, open_archive, shown
from slsg_edge.bundle.opening import trusted_bundle
from slsg_edge.contracts import Fault
from slsg_edge.runtime.judged import Judged, open_judged

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_TRIES = 3  # of a unit whose process is killed; then its images are undecided
_AHEAD = 2  # units given to each process


@dataclass(frozen=True, slots=True)
class Job:
    """What a process needs to score any unit. fingerprint: of the bundle. root: in its store."""

    bundle: Path
    archive: str
    root: str
    backend: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Task:
    """part: the file that its rows are written to."""

    unit: Unit
    part: Path


def run_tasks(
    job: Job, tasks: Iterator[Task], workers: int, finished: Callable[[Task], None]
) -> None:
    """Every task. Those under way when a process was killed are done again, each by itself."""
    while suspects := _in_parallel(job, tasks, workers, finished):
        for task in suspects:
            _alone(job, task)
            finished(task)


def _in_parallel(
    job: Job, tasks: Iterator[Task], workers: int, finished: Callable[[Task], None]
) -> list[Task]:
    """The tasks that were under way when a process was killed; [] when all are done."""
    running: dict[Future[None], Task] = {}
    with _pool(job, workers) as pool:
        try:
            while True:
                while len(running) < workers * _AHEAD and (task := next(tasks, None)):
                    running[pool.submit(_score, task)] = task
                if not running:
                    return []
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    finished(running.pop(future))
        except BrokenProcessPool:
            return list(running.values())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _alone(job: Job, task: Task) -> None:
    """Three times at most; then each of its images has a row that says so."""
    for _ in range(_TRIES):
        with _pool(job, 1) as pool:
            try:
                return pool.submit(_score, task).result()
            except BrokenProcessPool:
                continue
    fault = Fault("detector_failed", f"the process that scored it was killed {_TRIES} times")
    pictures = (Picture(shown(job.root, path), fault=fault) for path in task.unit.paths)
    write_part(task.part, (undecided_row(picture, job.fingerprint) for picture in pictures))
    return None


def _pool(job: Job, workers: int) -> ProcessPoolExecutor:
    # a forked process would share threads of ONNX Runtime that are not there
    return ProcessPoolExecutor(workers, get_context("spawn"), _open, (job,))


@dataclass(frozen=True, slots=True)
class _Desk:
    """What a process has open from its first unit to its last."""

    judged: Judged
    depth: int | None
    files: "AbstractFileSystem"
    root: str


_desks: list[_Desk] = []  # of this process: one


def _open(job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    bundle = trusted_bundle(job.bundle)
    judged = open_judged(bundle, job.backend, threads=1)
    _desks.append(_Desk(judged, bundle.manifest.preprocessing.depth, *open_archive(job.archive)))


def _score(task: Task) -> None:
    desk = _desks[0]
    pictures = pictures_of(desk.files, desk.root, task.unit, desk.depth)
    write_part(task.part, (row_of(picture, desk.judged) for picture in pictures))
