"""The golden frames through everything that runs a bundle here, against what they should give.

The reference is what the trained network said when it was exported. INT8 is judged by the rank of
its scores and, at its own threshold, by its verdicts, since its scores move as a whole.
"""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import (
    Difference,
    Golden,
    best_case_threshold,
    difference,
    golden_from,
)
from slsg_edge.bundle.plan import GOLDEN_FILE, MODEL_FILES, WEIGHTS_FILE
from slsg_edge.bundle.thresholds import (
    calibration_command,
    judging_threshold_name,
    threshold_of,
)
from slsg_edge.bundle.tolerances import tolerance_of
from slsg_edge.calibration.operating_points import weakness
from slsg_edge.calibration.threshold import advice
from slsg_edge.config import unknown_name
from slsg_edge.contracts import Answers, Precision
from slsg_edge.errors import BundleError, MissingDependency, SlsgError, UntrustedBundle
from slsg_edge.runtime.detector import BACKENDS
from slsg_edge.runtime.golden_check import reference_threshold

CheckState: TypeAlias = Literal["passed", "failed", "absent"]


@dataclass(frozen=True, slots=True)
class GoldenCheck:
    """One subject's answers for the golden frames against the golden answers.

    subject: the name of what was checked.
    state: whether it passed, failed, or is not here.
    reasons: what it exceeds, why it is not here, or what is to be known.
    difference: how far it is from the golden answers, None where it gave none.
    threshold: what its verdicts were judged by, None where it gave none.
    """

    subject: str
    state: CheckState
    reasons: tuple[str, ...] = ()
    difference: Difference | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """All subjects of a bundle that were checked.

    frames: how many golden frames there are.
    threshold: what the golden scores themselves were judged by.
    checks: one of each subject.
    doubts: why its thresholds are hardly of use, or rest on an extrapolation; in sentences.
    """

    frames: int
    threshold: float
    checks: tuple[GoldenCheck, ...]
    doubts: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return all(check.state != "failed" for check in self.checks)


@dataclass(frozen=True, slots=True)
class Subject:
    """What gives answers for frames.

    name: `torch`, a file of the bundle, or a backend.
    precision: what its numbers are.
    require: raises a SlsgError where it is not here.
    answers: maps and scores for frames (N, H, W, 3).
    """

    name: str
    precision: Precision
    require: Callable[[Bundle], object]
    answers: Callable[[Bundle, NDArray[np.uint8]], Answers]


def verify_bundle(
    bundle: Bundle, names: Sequence[str] = (), progress: Callable[[], None] | None = None
) -> Verification:
    """Every subject, or those of `names`, of which none may be missing then.

    BundleError without golden frames, UntrustedBundle for a damaged file, MissingDependency when
    nothing could be checked.
    """
    golden = golden_from(bundle.content(GOLDEN_FILE))
    threshold = reference_threshold(bundle, golden)
    checks = []
    for subject in _chosen(names):
        if names:
            subject.require(bundle)
        checks.append(_check(bundle, subject, golden, threshold))
        if progress:
            progress()
    if all(check.state == "absent" for check in checks):
        raise MissingDependency("onnxruntime", extra="cpu")
    return Verification(len(golden.frames), threshold, tuple(checks), threshold_doubts(bundle))


def threshold_doubts(bundle: Bundle) -> tuple[str, ...]:
    """Of the reference's threshold, which may be missing, and of those that backends have."""
    return tuple(
        f"{name}: {doubt}" if name else doubt
        for name in (None, *bundle.manifest.thresholds)
        for doubt in _doubts(bundle, name)
    )


def _doubts(bundle: Bundle, name: str | None) -> Iterator[str]:
    try:
        threshold = threshold_of(bundle, name)
    except BundleError as error:
        yield str(error)
        return
    if threshold.method == "tail":
        yield advice(threshold) or "The threshold is extrapolated from the tail of the good scores."
    if weak := weakness(threshold):
        yield weak


def subjects() -> Iterator[Subject]:
    """The network itself, each file as its numbers are meant, and each backend."""
    yield Subject("torch", "fp32", _require_torch, _by_torch)
    for precision, file in MODEL_FILES.items():
        if precision != "fp32":
            yield Subject(file, precision, _require_file(file), _by_file(file))
    for name, backend in BACKENDS.items():
        yield Subject(name, backend.precision, backend.model, _by_backend(name))


def _chosen(names: Sequence[str]) -> list[Subject]:
    known = {subject.name: subject for subject in subjects()}
    for name in names:
        if name not in known:
            raise unknown_name(name, known, what="thing to verify")
    return [known[name] for name in names or known]


def _check(bundle: Bundle, subject: Subject, golden: Golden, threshold: float) -> GoldenCheck:
    try:
        subject.require(bundle)
    except UntrustedBundle:
        raise
    except SlsgError as error:
        return GoldenCheck(subject.name, "absent", (str(error),))
    try:
        maps, scores = subject.answers(bundle, golden.frames)
        judging, notes = _threshold(bundle, subject, golden, scores, threshold)
        off = difference(golden, maps, scores, threshold, judging)
    except SlsgError as error:
        return GoldenCheck(subject.name, "failed", (error.what,))
    limits = tolerance_of(bundle.manifest.tolerances, subject.name, subject.precision)
    excesses = off.beyond(limits)
    state: CheckState = "failed" if excesses else "passed"
    return GoldenCheck(subject.name, state, (*excesses, *notes), off, judging)


def _threshold(
    bundle: Bundle,
    subject: Subject,
    golden: Golden,
    scores: NDArray[np.float32],
    threshold: float,
) -> tuple[float, tuple[str, ...]]:
    """What judges the scores of this subject, and what is to be known of it."""
    if subject.precision == "fp32":
        return threshold, ()
    if subject.name not in BACKENDS:  # a file, which nothing judges on the line
        return best_case_threshold(golden, scores, threshold), ()
    name = judging_threshold_name(bundle, subject.name)
    if name is None:
        return threshold, ()
    if name in bundle.manifest.thresholds:
        return threshold_of(bundle, name).value, ()
    note = f"no threshold of its own yet, run: {calibration_command(bundle, name)}"
    return best_case_threshold(golden, scores, threshold), (note,)


def _require_package(*packages: str, extra: str) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingDependency(package, extra=extra)


def _require_torch(bundle: Bundle) -> None:
    bundle.file(WEIGHTS_FILE)
    _require_package("torch", "safetensors", extra="train")


def _by_torch(bundle: Bundle, frames: NDArray[np.uint8]) -> Answers:
    from slsg_edge.stages.reference import torch_answers, trained_model

    golden = torch_answers(trained_model(bundle), frames)
    return golden.anomaly_map, golden.image_score


def _require_file(file: str) -> Callable[[Bundle], None]:
    def require(bundle: Bundle) -> None:
        bundle.file(file)
        _require_package("onnx", extra="train")
        _require_package("onnxruntime", extra="cpu")

    return require


def _by_file(file: str) -> Callable[[Bundle, NDArray[np.uint8]], Answers]:
    """Rounded where a GPU rounds, which ONNX Runtime leaves out by itself."""

    def answers(bundle: Bundle, frames: NDArray[np.uint8]) -> Answers:
        from slsg_edge.export.emulation import emulated
        from slsg_edge.export.graph import graph_from_bytes
        from slsg_edge.stages.reference import run_graph

        stored = bundle.content(file)
        graph = graph_from_bytes(stored.data, stored.path)
        return run_graph(emulated(graph), frames, bundle)

    return answers


def _by_backend(name: str) -> Callable[[Bundle, NDArray[np.uint8]], Answers]:
    def answers(bundle: Bundle, frames: NDArray[np.uint8]) -> Answers:
        backend = BACKENDS[name]
        with closing(backend.open(bundle, backend.model(bundle), None)) as detector:
            return detector.run(frames)

    return answers
