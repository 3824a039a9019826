"""Long runs: `python -m fuzz.campaign --seconds 60 --out counts.json [TARGET ...]`.

Each target gets its share of the time. What fails is written beside the counts, once for each
place of the code where it failed, with the seed that gives the input again.
"""

import argparse
import json
import random
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from fuzz.mutation import mutated
from fuzz.target import Target, refused, working_folder
from fuzz.targets import TARGETS

_MEMORY = 3 << 30  # bytes that one process may have beyond what it has when it begins
_SLOW = 2.0  # seconds


@dataclass
class Counts:
    """Of one target. slowest: seconds of the slowest input."""

    executions: int = 0
    refused: int = 0
    failed: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    failures: dict[str, str] = field(default_factory=dict)


@cache
def seeds_of(name: str) -> Sequence[bytes]:
    return TARGETS[name].seeds()


def input_of(target: Target, seed: int) -> bytes:
    """The same input for the same seed, whatever came before."""
    rng = random.Random(seed)
    content = mutated(rng, seeds_of(target.name), target.tokens)
    return target.mend(rng, content) if target.mend and rng.random() < 0.5 else content


def run(target: Target, seconds: float, first: int, out: Path) -> Counts:
    """Seeds from `first` on, for so long."""
    counts = Counts()
    started = time.monotonic()
    with working_folder() as folder:
        while time.monotonic() - started < seconds:
            _one(target, first + counts.executions, folder, counts, out)
    counts.seconds = round(time.monotonic() - started, 1)
    return counts


def _one(target: Target, seed: int, folder: Path, counts: Counts, out: Path) -> None:
    content, began = input_of(target, seed), time.monotonic()
    try:
        counts.refused += refused(target, content, folder)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        _keep(target, seed, content, error, counts, out)
    took = time.monotonic() - began
    if took > _SLOW and took > counts.slowest:
        (out / f"slow-{target.name.replace(' ', '-')}-{seed}").write_bytes(content)
    counts.executions += 1
    counts.slowest = round(max(counts.slowest, took), 3)


def _keep(
    target: Target, seed: int, content: bytes, error: BaseException, counts: Counts, out: Path
) -> None:
    counts.failed += 1
    frames = traceback.extract_tb(error.__traceback__)
    frame, ours = frames[-1], [each for each in frames if "slsg_edge" in each.filename]
    place = f"{type(error).__name__} at {frame.filename}:{frame.lineno}"
    if ours:
        place += f" from {ours[-1].filename}:{ours[-1].lineno}"
    if place not in counts.failures:
        counts.failures[place] = f"seed {seed}: {str(error)[:200]}"
        name = target.name.replace(" ", "-")
        (out / f"crash-{name}-{seed}").write_bytes(content)
        (out / f"crash-{name}-{seed}.txt").write_text(
            "".join(traceback.format_exception(error)), errors="replace"
        )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="fuzz.campaign", description=__doc__)
    parser.add_argument("targets", nargs="*", help="default: all of them")
    parser.add_argument("--seconds", type=float, default=60.0, help="for all targets together")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"))
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("error")
    chosen = [TARGETS[name] for name in given.targets or TARGETS]
    _warm_up(chosen)
    _limit_memory()
    found: dict[str, Counts] = {}
    for target in chosen:
        found[target.name] = run(target, given.seconds / len(chosen), given.first, given.out)
        _say(target.name, found[target.name])
        text = json.dumps({name: asdict(counts) for name, counts in found.items()}, indent=1)
        (given.out / f"counts-{given.first}.json").write_text(text)
    total = sum(counts.executions for counts in found.values())
    failed = sum(counts.failed for counts in found.values())
    print(f"{total} executions of {len(found)} targets, {failed} failed", flush=True)
    return 1 if failed else 0


def _say(name: str, counts: Counts) -> None:
    print(
        f"{name:18} {counts.executions:8} executions {counts.refused:8} refused "
        f"{counts.failed:6} failed, slowest {counts.slowest:.2f} s",
        flush=True,
    )
    for place, said in counts.failures.items():
        print(f"    {place}: {said}", flush=True)


def _warm_up(chosen: Sequence[Target]) -> None:
    """What is imported and made once is no part of the time or the memory of an input."""
    with working_folder() as folder:
        for target in chosen:
            with suppress(Exception):
                target.run(seeds_of(target.name)[0], folder)


def _limit_memory() -> None:
    """MemoryError for an input that wants gigabytes, where the system knows such limits."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
