"""The steps of the first hour, each a command that a person could give as well.

Nothing is done here that a command does not do: this says which, with which options, in which
order, what is not done twice, and when to stop.
"""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from slsg_edge.cli.first_hour.record import (
    Done,
    Record,
    manifest_digest,
    read_record,
    require_ours,
    write_record,
)
from slsg_edge.cli.first_hour.running import Ran, run
from slsg_edge.cli.stopping import INTERRUPTED
from slsg_edge.errors import SlsgError
from slsg_edge.machine.host import multiplies_int8_exactly
from slsg_edge.models.names import QUICKEST_DETECTOR
from slsg_edge.training.checkpoints import unfinished

Words: TypeAlias = tuple[str, ...]
"""A command without `slsg-edge` and without `--json`."""

AUTO = "auto"
COMPARE_FROM = 20  # minutes: with fewer there is time for the quickest detector alone
INT8 = "openvino-int8"
_CHECKS = ("verify", "eval")  # they change nothing in the bundle
_TEXT_ONLY = ("train",)  # has no --json
_MEANT = {"data": (1,), "eval": (1,)}  # exit codes beside 0 that are an answer and no error


class StepFailed(SlsgError):
    """A command of `start` ended with an error, which it has told or which is in the log."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    data: photos. bundle: where the detector goes. minutes: that may be spent.
    backbone_weights: as `train` takes them. detector: None lets the time decide.
    """

    data: Path
    bundle: Path
    minutes: float = 10.0
    backbone_weights: str = "imagenet"
    detector: str | None = None

    @property
    def record(self) -> Path:
        return self.bundle.with_suffix(".start.json")

    @property
    def log(self) -> Path:
        return self.bundle.with_suffix(".start.log")

    @property
    def page(self) -> Path:
        return self.bundle.with_suffix(".html")

    @property
    def chosen(self) -> str:
        """The detector: all quick ones are compared where there is the time."""
        return self.detector or (AUTO if self.minutes >= COMPARE_FROM else QUICKEST_DETECTOR)


@dataclass(frozen=True, slots=True)
class Observer:
    """What is told of a step: when it begins, and when it has ended or was done before."""

    begins: Callable[[str], None]
    ended: Callable[[Done, bool], None]


def first_hour(wish: Wish, observer: Observer, *, show: bool) -> tuple[Done, ...]:
    """Does what is not done yet; gives all steps, of which the first alone where it says no.

    show: progress and errors of the commands go to this terminal, else into the log.
    Raises ConfigError for a bundle that is not ours, StepFailed where a command failed, and
    KeyboardInterrupt; what was done and trained until then is kept.
    """
    require_ours(wish.bundle, wish.record)
    commands = commands_of(wish)
    record = _still_true(read_record(wish.record, wish.data), commands, wish.bundle)
    for step in record.steps:
        observer.ended(step, True)
    for words in commands[len(record.steps) :]:
        observer.begins(command_text(words))
        step = _step(words, wish, show)
        record = record.with_step(step, wish.bundle)
        write_record(wish.record, record)
        observer.ended(step, False)
        if words[0] == "data" and step.exit_code:
            break
    return record.steps


def commands_of(wish: Wish) -> list[Words]:
    """Every command in its order."""
    data, bundle = str(wish.data), str(wish.bundle)
    weights = wish.backbone_weights
    return [
        ("data", data),
        (
            *("train", data, "-o", bundle, "--detector", wish.chosen),
            *(() if weights == "imagenet" else ("--backbone-weights", weights)),
        ),
        ("export", bundle),
        ("calibrate", bundle),
        *(_int8(data, bundle) if int8_pays() else ()),
        ("verify", bundle),
        ("eval", bundle, data, "--report", str(wish.page)),
    ]


def int8_pays() -> bool:
    """Whether INT8 is faster here and exact: OpenVINO, on a CPU that multiplies it as it should."""
    return find_spec("openvino") is not None and multiplies_int8_exactly()


def command_text(words: Sequence[str]) -> str:
    """As a person types it."""
    return shlex.join(["slsg-edge", *words])


def _int8(data: str, bundle: str) -> tuple[Words, Words]:
    """The graph, and the threshold of its own that it needs."""
    return (
        ("calibrate", bundle, "--int8", "--images", data),
        ("calibrate", bundle, "--backend", INT8, "--images", data),
    )


def _still_true(record: Record, commands: Sequence[Words], bundle: Path) -> Record:
    """With the leading steps that need not be done again.

    Where somebody else has changed the bundle meanwhile, it is checked and judged anew.
    """
    touched = record.manifest != manifest_digest(bundle)
    kept: list[Done] = []
    for words, step in zip(commands, record.steps, strict=False):
        refused = words[0] == "data" and step.exit_code != 0
        if step.words != words or refused or (touched and words[0] in _CHECKS):
            break
        kept.append(step)
    return replace(record, steps=tuple(kept))


def _step(words: Words, wish: Wish, show: bool) -> Done:
    resumed = ["--resume"] if _half_trained(words, wish) else []
    as_json = [] if words[0] in _TEXT_ONLY else ["--json"]
    ran = run([*words, *resumed, *as_json], wish.log, show=show)
    if ran.exit_code == INTERRUPTED:
        raise KeyboardInterrupt
    if ran.exit_code not in (0, *_MEANT.get(words[0], ())):
        raise _failure(words, ran, "the lines above" if show else f"the end of {wish.log}")
    return Done(words, ran.exit_code, ran.seconds, ran.result)


def _failure(words: Words, ran: Ran, told: str) -> StepFailed:
    """With the command's own words, where `told` is a place that one would have to open first."""
    if not ran.error:
        return StepFailed(
            f"`{command_text(words)}` failed with exit code {ran.exit_code}.",
            fix=f"See {told}; then give the same command again: what is done is kept.",
        )
    fix = f"{ran.fix} What is done is kept.".lstrip()
    return StepFailed(f"`{command_text(words)}` failed: {ran.error}", fix=fix)


def _half_trained(words: Words, wish: Wish) -> bool:
    """`auto` goes on by itself."""
    stopped = words[0] == "train" and unfinished(wish.bundle.with_suffix(".run"))
    return stopped and wish.chosen != AUTO
