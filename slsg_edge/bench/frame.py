"""How fast a bundle inspects on this machine: each stage, and the whole loop against the model.

The loop is the one of `watch`: files decoded ahead in a thread, detector, verdict, JSON Lines.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bench.synthesis import cut_paste_rate, own_rate
from slsg_edge.contracts import Image, Prediction
from slsg_edge.images import encode_image, read_image
from slsg_edge.line.sinks.json_lines import JsonLinesFile
from slsg_edge.line.sources.files import FileSource, image_frames
from slsg_edge.line.watching import watch
from slsg_edge.machine.host import Machine, machine, peak_mb
from slsg_edge.preprocessing import Preprocessing, prepare
from slsg_edge.runtime.detector import GraphDetector
from slsg_edge.runtime.judged import Judged, fault_of
from slsg_edge.scoring import Threshold, judge
from slsg_edge.storage import temporary_folder

PAIRS = 8  # blocks of the loop, each beside a block of the bare model
SHORTEST = 8  # frames of a block: the loop's first frame of each has no read-ahead yet


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds for one frame."""

    stage: str
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`loop_ms` and `bare_ms` are per frame; `ratio` is the median over pairs of blocks.

    `cut_paste_per_second`: pairs of a good image and a simulated anomaly that one core makes at
    256x256, by its CPU time; `anomalies_per_second` of the bundle's own detector, where that is
    known here.
    """

    machine: Machine
    detector: str
    frames: int
    stages: tuple[Timing, ...]
    loop_ms: float
    bare_ms: float
    ratio: float
    peak_mb: float
    cut_paste_per_second: float
    anomalies_per_second: float | None


def benchmark(
    detector: GraphDetector,
    paths: Sequence[Path],
    preprocessing: Preprocessing,
    threshold: Threshold,
    frames: int,
    progress: Callable[[], None] | None = None,
    trained: str = "",
) -> Benchmark:
    """Stages over `frames` images of `paths`, taken round and round, then loop against model.

    `progress` is called once per stage frame and once per block. `trained`: the detector by its
    name in the manifest. DatasetError names an image that cannot be read.
    """
    progress = progress or _silent
    chosen = [paths[index % len(paths)] for index in range(frames)]
    stages = _Stages(detector, preprocessing, threshold)
    for path in chosen:
        stages.add(path)
        progress()
    blocks = _Blocks(detector, chosen, preprocessing, threshold)
    loops, bares = blocks.measure(progress)
    image = read_image(chosen[0], preprocessing.depth)
    return Benchmark(
        machine=machine(),
        detector=detector.name,
        frames=frames,
        stages=stages.timings(),
        loop_ms=statistics.median(loops),
        bare_ms=statistics.median(bares),
        ratio=statistics.median(loop / bare for loop, bare in zip(loops, bares, strict=True)),
        peak_mb=peak_mb(),
        cut_paste_per_second=cut_paste_rate(image),
        anomalies_per_second=own_rate(trained, image),
    )


class _Stages:
    """One frame after the other through every stage, nothing overlapping."""

    def __init__(
        self, detector: GraphDetector, preprocessing: Preprocessing, threshold: Threshold
    ) -> None:
        self._detector, self._preprocessing = detector, preprocessing
        self._threshold = threshold
        self._ms: dict[str, list[float]] = {
            name: [] for name in ("decode", "resize", "inference", "score", "verdict")
        }

    def add(self, path: Path) -> None:
        marks = [time.perf_counter()]
        image = read_image(path, self._preprocessing.depth)
        marks.append(time.perf_counter())
        prepared = prepare(image, self._preprocessing)[None]
        marks.append(time.perf_counter())
        maps, scores = self._detector.run(prepared)
        marks.append(time.perf_counter())
        prediction = Prediction(maps[0], float(scores[0]))
        fault_of(prediction, maps[0].shape)
        marks.append(time.perf_counter())
        judge(prediction, self._threshold)
        marks.append(time.perf_counter())
        for name, start, end in zip(self._ms, marks, marks[1:], strict=False):
            self._ms[name].append((end - start) * 1000)

    def timings(self) -> tuple[Timing, ...]:
        return tuple(
            Timing(name, *np.percentile(values, [50, 95]).tolist())
            for name, values in self._ms.items()
        )


class _Blocks:
    """Milliseconds per frame of the loop and of the bare model, block by block in turn.

    The order within a pair alternates, so a machine that slows down slows both alike.
    """

    def __init__(
        self,
        detector: GraphDetector,
        paths: Sequence[Path],
        preprocessing: Preprocessing,
        threshold: Threshold,
    ) -> None:
        size = max(SHORTEST, len(paths) // PAIRS)
        self._paths = [paths[index % len(paths)] for index in range(size)]
        self._detector = detector
        self._judged = Judged(detector, threshold, (preprocessing.height, preprocessing.width))
        self._depth = depth = preprocessing.depth
        self._prepared = [
            prepare(read_image(path, depth), preprocessing)[None] for path in self._paths
        ]

    def measure(self, progress: Callable[[], None]) -> tuple[list[float], list[float]]:
        loops, bares = [], []
        with temporary_folder() as folder:
            for pair in range(PAIRS):
                if pair % 2:
                    bares.append(self._bare())
                loops.append(self._loop(folder / "verdicts.jsonl"))
                if not pair % 2:
                    bares.append(self._bare())
                progress()
        return loops, bares

    def _loop(self, output: Path) -> float:
        with closing(JsonLinesFile(output)) as sink:
            started = time.perf_counter()
            with FileSource(image_frames(self._paths, self._depth)) as source:
                watch(source, self._judged, [sink])
            return self._per_frame(started)

    def _bare(self) -> float:
        started = time.perf_counter()
        for frame in self._prepared:
            self._detector.run(frame)
        return self._per_frame(started)

    def _per_frame(self, started: float) -> float:
        return (time.perf_counter() - started) * 1000 / len(self._paths)


def write_frames(frames: Sequence[Image] | NDArray[np.uint8], folder: Path) -> list[Path]:
    """Frames as PNG files, to be decoded like the images of a line."""
    paths = [folder / f"{index:04d}.png" for index in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        path.write_bytes(encode_image(frame))
    return paths


def _silent() -> None:
    """Nobody watches the progress."""
