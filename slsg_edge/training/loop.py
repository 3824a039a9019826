"""The loop that all training shares: batches in, progress out, a checkpoint at least each minute.

Knows nothing about networks and losses: a phase brings its own step.
"""

import contextlib
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, TypeAlias

from torch import Tensor
from torch.utils.data import Dataset

from slsg_edge.errors import ConfigError
from slsg_edge.progress import aside, bar
from slsg_edge.training.checkpoint import History, RunFolder, Stateful
from slsg_edge.training.expected import Forecast, PhaseTimer
from slsg_edge.training.feed import Batch, batches, lost_workers_named
from slsg_edge.training.out_of_sample import OutOfSample
from slsg_edge.training.tensorboard import LossLog

if TYPE_CHECKING:
    from rich.progress import Progress

CHECKPOINT_SECONDS = 40.0  # a crash loses at most one minute
LOG_EVERY = 10  # iterations

# Tensors rather than floats, so that a GPU is not waited for at each iteration.
Losses: TypeAlias = Mapping[str, Tensor]


class Interrupted(Exception):
    """Ctrl-C or SIGTERM; the checkpoint is written."""

    def __init__(self, phase: str, iteration: int) -> None:
        super().__init__(f"{phase} stopped after {iteration} iterations")
        self.phase, self.iteration = phase, iteration


@dataclass(frozen=True, slots=True)
class Phase:
    """One stage of training: `parts` is what a checkpoint holds, `images` come per iteration.

    `source[i]` is batch i. A step that learns nothing by descent, as one that gathers
    statistics, may have no losses to tell. `scores` are known when the phase is done, where it has
    any.
    """

    name: str
    iterations: int
    images: int
    parts: Mapping[str, Stateful]
    source: Dataset[Batch]
    step: Callable[[Batch], Losses]
    scores: Callable[[], OutOfSample] | None = None


@dataclass(slots=True)
class Throughput:
    """How fast the loop runs and what share of that it waits for data."""

    images: int = 0
    waited: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        elapsed = max(time.monotonic() - self.started, 1e-9)
        share = 100 * self.waited / elapsed
        return f"{self.images / elapsed:.0f} images/s, data wait {share:.0f} %"


def run_phase(
    phase: Phase,
    folder: RunFolder,
    record: LossLog,
    *,
    workers: int,
    resume: bool,
    forecast: Forecast,
) -> History:
    """Trains to the end of the phase; Interrupted when told to stop before."""
    done, history = folder.restore(phase.name, phase.parts) if resume else (0, [])
    if done >= phase.iterations:
        return history
    saved, throughput = time.monotonic(), Throughput()
    timer = PhaseTimer(forecast, phase.iterations)
    with (
        _stop_flag() as stopping,
        lost_workers_named(),
        # now, whoever holds an error of this frame: a process does not end before its workers
        contextlib.closing(batches(phase.source, done, phase.iterations, workers)) as drawn,
        bar("{task.fields[note]}") as progress,
    ):
        task = progress.add_task(phase.name, total=phase.iterations, completed=done, note="")
        for iteration in range(done + 1, phase.iterations + 1):
            losses = phase.step(_next(drawn, throughput))
            throughput.images += phase.images
            if iteration % LOG_EVERY == 0 or iteration == phase.iterations:
                values = _finite(losses, phase.name, iteration)
                history.append((iteration, values))
                record(phase.name, iteration, values)
                progress.update(task, note=_note(values, throughput))
            progress.update(task, completed=iteration)
            if due := timer.after(iteration):
                _say(due, forecast, progress)
            late = time.monotonic() - saved > CHECKPOINT_SECONDS
            if late or stopping() or iteration == phase.iterations:
                folder.save(phase.name, iteration, phase.parts, history)
                saved = time.monotonic()
            if stopping():
                raise Interrupted(phase.name, iteration)
    return history


def _say(lines: Sequence[str], forecast: Forecast, progress: "Progress") -> None:
    with aside(progress):
        for line in lines:
            forecast.notify(line)


def _next(drawn: Iterator[Batch], throughput: Throughput) -> Batch:
    before = time.monotonic()
    batch = next(drawn)
    throughput.waited += time.monotonic() - before
    return batch


def _finite(losses: Losses, phase: str, iteration: int) -> dict[str, float]:
    values = {name: float(value) for name, value in losses.items()}
    if not all(math.isfinite(value) for value in values.values()):
        raise ConfigError(
            f"The loss of {phase} is no number any more after {iteration} iterations.",
            fix=f"Lower {phase.partition(',')[0]}.learning_rate and start anew.",
        )
    return values


def _note(losses: Mapping[str, float], throughput: Throughput) -> str:
    return ", ".join([*(f"{name} {value:.4f}" for name, value in losses.items()), str(throughput)])


@contextlib.contextmanager
def _stop_flag() -> Iterator[Callable[[], bool]]:
    """Turns the first Ctrl-C or SIGTERM into a flag, so that no step is cut in half.

    A second one interrupts at once.
    """
    told: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)

    def note(number: int, _: FrameType | None) -> None:
        if told:
            raise KeyboardInterrupt
        told.append(number)

    try:
        before = {number: signal.signal(number, note) for number in signals}
    except ValueError:  # not in the main thread: whoever runs us there stops us otherwise
        yield lambda: False
        return
    try:
        yield lambda: bool(told)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
