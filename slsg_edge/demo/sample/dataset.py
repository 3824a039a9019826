"""The sample line as a data set on disk, in the folder layout of MVTec LOCO.

Image i of a folder depends on the seed, the folder and i alone, so a larger data set begins with
the smaller one. `sample.json` is written last: a folder without it is an interrupted run.
"""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from slsg_edge.contracts import GOOD
from slsg_edge.demo.sample.product import RULES
from slsg_edge.demo.sample.specimen import DEFECTS, LOGICAL, STRUCTURAL, draw, specimen
from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.images import encode_image
from slsg_edge.storage import write_atomically

RECORD = "sample.json"
# (seed, number of the folder, index) seeds an image: never renumber.
FOLDERS = (
    ("train", GOOD),
    ("validation", GOOD),
    ("test", GOOD),
    ("test", STRUCTURAL),
    ("test", LOGICAL),
)
FILM_NUMBER = len(FOLDERS)
SIZES = (64, 2048)


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """How many images of each, and the side of all of them in pixels."""

    train: int = 200
    validation: int = 100
    test_good: int = 40
    test_structural: int = 30
    test_logical: int = 40
    size: int = 320

    def __post_init__(self) -> None:
        if self.train < 1 or min(self.per_folder) < 0:
            raise ConfigError(
                f"A data set of {self.per_folder} images cannot be drawn.",
                fix="Give --train at least 1 and the other counts at least 0.",
            )
        check_size(self.size)

    @property
    def per_folder(self) -> tuple[int, ...]:
        """In the order of FOLDERS."""
        tests = (self.test_good, self.test_structural, self.test_logical)
        return (self.train, self.validation, *tests)

    @property
    def total(self) -> int:
        return sum(self.per_folder)


@dataclass(frozen=True, slots=True)
class _Task:
    number: int
    index: int

    @property
    def defect(self) -> str | None:
        return defect_of(FOLDERS[self.number][1], self.index)

    @property
    def image(self) -> str:
        split, kind = FOLDERS[self.number]
        return f"{split}/{kind}/{self.index:03d}.png"

    @property
    def mask(self) -> str:
        return f"ground_truth/{FOLDERS[self.number][1]}/{self.index:03d}/000.png"


def write_dataset(
    folder: Path, counts: SampleCounts, seed: int, progress: Callable[[], None] | None = None
) -> None:
    """Draws everything into `folder`; ConfigError when something is there already.

    `progress` is called once per image.
    """
    require_empty(folder)
    check_seed(seed)
    tasks = [
        _Task(number, index)
        for number, count in enumerate(counts.per_folder)
        for index in range(count)
    ]
    workers = ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1))
    try:
        jobs = [workers.submit(_write, folder, task, counts.size, seed) for task in tasks]
        for job in jobs:
            job.result()
            if progress:
                progress()
    finally:
        workers.shutdown(cancel_futures=True)
    write_atomically(folder / "README.txt", _readme(counts, seed).encode())
    write_atomically(folder / RECORD, _record(tasks, counts, seed).encode())


def require_empty(folder: Path) -> None:
    """ConfigError when `folder` is a file or holds anything."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file.", fix="Name a folder that does not exist yet.")
    try:
        occupied = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise StorageError(
            f"Cannot look into {folder}: {error.strerror}.", fix="Check its permissions."
        ) from error
    if occupied:
        unfinished = (folder / "train").exists() and not (folder / RECORD).exists()
        why = "holds the start of an interrupted run" if unfinished else "is not empty"
        raise ConfigError(f"{folder} {why}.", fix="Delete it, or name a new folder.")


def check_size(size: int) -> None:
    """ConfigError unless images of this side can be drawn."""
    if not SIZES[0] <= size <= SIZES[1]:
        raise ConfigError(
            f"An image side of {size} pixels is not possible.",
            fix=f"Give a --size between {SIZES[0]} and {SIZES[1]}.",
        )


def check_seed(seed: int) -> None:
    """ConfigError for a negative seed."""
    if seed < 0:
        raise ConfigError(f"The seed {seed} is negative.", fix="Give a --seed of 0 or more.")


def defect_of(kind: str, index: int) -> str | None:
    """The defects of a kind take turns."""
    defects = DEFECTS[kind]
    return defects[index % len(defects)] if defects else None


def _write(folder: Path, task: _Task, size: int, seed: int) -> None:
    rng = np.random.default_rng([seed, task.number, task.index])
    image, mask = draw(specimen(rng, task.defect), size)
    write_atomically(folder / task.image, encode_image(image))
    if task.defect is not None:
        write_atomically(folder / task.mask, encode_image(np.where(mask, 255, 0).astype(np.uint8)))


def _record(tasks: list[_Task], counts: SampleCounts, seed: int) -> str:
    defects = {task.image: task.defect for task in tasks if task.defect is not None}
    return json.dumps({"seed": seed, "counts": asdict(counts), "defects": defects}, indent=1)


def _readme(counts: SampleCounts, seed: int) -> str:
    rules = "\n".join(f"{number}. {rule}" for number, rule in enumerate(RULES, 1))
    defects = "\n".join(f"  {kind}: {', '.join(names)}" for kind, names in DEFECTS.items() if names)
    return _README.format(rules=rules, defects=defects, seed=seed, size=counts.size)


_README = """\
A fuse module, seen from above. Drawn by `slsg-edge sample`, seed {seed}, {size} x {size} pixels.

The rules of the product
{rules}

Normal: a shift of up to 1.2 % of the width, a turn of up to 2 degrees, brighter or darker light
that falls off to one side, slightly different colours, sensor noise.

Defects
{defects}

Layout
  train/good, validation/good     good modules only
  test/<kind>/NNN.png             one image
  ground_truth/<kind>/NNN/000.png its mask, 255 where defective; for structural anomalies the
                                  pixels that changed, for logical ones every piece that is not
                                  as intended, where it is and where it should be
  sample.json                     seed, counts and the defect of each image; written last
"""
