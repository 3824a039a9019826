"""INT8 graphs against the reference: maps, order of scores, AUROC and verdicts.

They are compared on good images and on anomalies simulated in them. What they make of labelled
test images is for people to read: nothing is chosen from those.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import difference, golden_from
from slsg_edge.bundle.good_scores import good_scores_of
from slsg_edge.bundle.plan import GOLDEN_FILE, MODEL_FILES
from slsg_edge.bundle.training_record import trained_on
from slsg_edge.calibration.images import choose_good_images, moved
from slsg_edge.calibration.sensitivity import Int8Damage
from slsg_edge.calibration.threshold import check_enough, threshold_from_scores
from slsg_edge.contracts import Answers, Sample
from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.loading import load_frames
from slsg_edge.data.splits import content_hash
from slsg_edge.errors import ExportError
from slsg_edge.metrics.correlation import rank_correlation
from slsg_edge.metrics.ranking import auroc
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.detector import GraphDetector
from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector
from slsg_edge.stages.simulated import synthesis_settings_of
from slsg_edge.synthesis.anomalies import AnomalySimulator
from slsg_edge.synthesis.textures import ProceduralTextures

MOST_OF_EACH = 100  # good and anomalous images: every group of layers runs over all of them
_SEED = 6  # first word of the seeds, so that no other use shares the random stream


@dataclass(frozen=True, slots=True)
class LabelledFrames:
    """Images of both kinds, the good ones first.

    frames: (n, H, W, 3) at model resolution.
    labels: (n,), true where there is an anomaly.
    """

    frames: NDArray[np.uint8]
    labels: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ThresholdFrames:
    """Good images that a threshold is found from.

    frames: (n, H, W, 3) at model resolution.
    false_alarms: the rate of false alarms that the threshold is for.
    left_out, reference: of those that were learned from, by their place in `frames`: the score
    without themselves, and the reference's now.
    """

    frames: NDArray[np.uint8]
    false_alarms: float
    left_out: Mapping[int, float]
    reference: Mapping[int, float]

    def threshold(self, scores: Sequence[float]) -> float:
        """From what a graph says of the frames."""
        out_of_sample = [
            moved(self.left_out[place], self.reference[place], score)
            if place in self.left_out
            else score
            for place, score in enumerate(scores)
        ]
        return threshold_from_scores(out_of_sample, self.false_alarms).value


@dataclass(frozen=True, slots=True)
class AurocsOnTest:
    """The image AUROC of both graphs on labelled test images.

    good, defective: how many images of each kind.
    fp32, int8: the AUROC.
    """

    good: int
    defective: int
    fp32: float
    int8: float

    def __str__(self) -> str:
        return (
            f"On {self.good} good and {self.defective} defective test images the AUROC is "
            f"{self.fp32:.4f} in FP32 and {self.int8:.4f} in INT8. Nothing was chosen from them."
        )


def threshold_frames(bundle: Bundle, folder: Path, false_alarms: float) -> ThresholdFrames:
    """ConfigError or DatasetError where no threshold could be found."""
    kept = good_scores_of(bundle)
    known = {each.image for each in kept.good}
    paths = choose_good_images(folder, trained_on(bundle), known).paths[: 2 * MOST_OF_EACH]
    check_enough(len(paths), false_alarms)
    frames = load_frames(paths, bundle.manifest.preprocessing)
    digests = [content_hash(path) for path in paths]
    scored = kept.left_out
    left_out = {i: scored[digest] for i, digest in enumerate(digests) if digest in scored}
    places = list(left_out)
    with closing(_reference(bundle)) as detector:
        scores = detector.run(frames[places])[1].tolist() if places else []
    return ThresholdFrames(frames, false_alarms, left_out, dict(zip(places, scores, strict=True)))


def comparison_frames(bundle: Bundle, paths: Sequence[Path]) -> LabelledFrames:
    """Good images, and an anomaly simulated in each by the rules the bundle was trained with.

    Deterministic: the same images and rules give the same anomalies.
    """
    good = load_frames(paths, bundle.manifest.preprocessing)
    simulator = AnomalySimulator(synthesis_settings_of(bundle), ProceduralTextures())
    anomalous = []
    for index, frame in enumerate(good):
        rng = np.random.default_rng([_SEED, index])
        other = good[int(rng.integers(len(good)))]
        anomalous.append(simulator.anomalous(rng, frame, other)[0])
    return _labelled(np.concatenate((good, np.stack(anomalous))), len(good))


def labelled_test_frames(folder: Path, preprocessing: Preprocessing) -> LabelledFrames | None:
    """MOST_OF_EACH test images of both kinds by content hash; None without both."""
    dataset = read_dataset(folder)
    good, defective = (_first_by_hash(dataset.of("test", good=side)) for side in (True, False))
    if not good or not defective:
        return None
    return _labelled(load_frames([*good, *defective], preprocessing), len(good))


def aurocs_on_test(bundle: Bundle, int8: bytes, test: LabelledFrames) -> AurocsOnTest:
    """Of the bundle's FP32 graph and of a serialised INT8 graph."""
    with closing(_reference(bundle)) as detector:
        _, fp32_scores = _finite_answers(detector, test.frames)
    with closing(_opened(bundle, int8)) as detector:
        _, int8_scores = _finite_answers(detector, test.frames)
    defective = int(test.labels.sum())
    return AurocsOnTest(
        len(test.labels) - defective,
        defective,
        auroc(fp32_scores, test.labels),
        auroc(int8_scores, test.labels),
    )


class Int8Comparison:
    """Runs INT8 graphs over the same good and simulated images as the reference.

    With `fresh` frames each is judged by the threshold that it would get, not the reference's.
    """

    def __init__(
        self, bundle: Bundle, compared: LabelledFrames, fresh: ThresholdFrames | None = None
    ) -> None:
        self._bundle = bundle
        self._golden = golden_from(bundle.content(GOLDEN_FILE))
        self._compared, self._fresh = compared, fresh
        with closing(_reference(bundle)) as detector:
            self._maps, self._scores = _finite_answers(detector, compared.frames)
            self._threshold = self._reference_threshold(detector)
        self._auroc = auroc(self._scores, compared.labels)

    def damage(self, graph: bytes) -> Int8Damage:
        """Of a serialised graph; ExportError when it gives NaN."""
        with closing(_opened(self._bundle, graph)) as int8:
            maps, scores = _finite_answers(int8, self._compared.frames)
            golden_answers = int8.run(self._golden.frames)
            threshold = self._own_threshold(int8)
        return Int8Damage(
            map_mean=float(np.abs(maps - self._maps).mean()),
            rank=rank_correlation(scores, self._scores),
            auroc_drop=self._auroc - auroc(scores, self._compared.labels),
            verdicts=difference(self._golden, *golden_answers, self._threshold, threshold).verdicts,
        )

    def _reference_threshold(self, detector: GraphDetector) -> float:
        """The bundle's, if it promises what a candidate's will; else found as that is."""
        stored = self._bundle.manifest.threshold
        if self._fresh is None:
            return stored.value if stored else self._golden.split_threshold()
        if stored and stored.false_alarm_rate == self._fresh.false_alarms:
            return stored.value
        return self._own_threshold(detector) or self._golden.split_threshold()

    def _own_threshold(self, detector: GraphDetector) -> float | None:
        """None where candidates are judged by the reference's."""
        if self._fresh is None:
            return None
        _, scores = detector.run(self._fresh.frames)
        return self._fresh.threshold(scores.tolist())


def _labelled(frames: NDArray[np.uint8], good: int) -> LabelledFrames:
    return LabelledFrames(frames, np.arange(len(frames)) >= good)


def _first_by_hash(samples: Sequence[Sample]) -> list[Path]:
    return sorted((sample.image for sample in samples), key=content_hash)[:MOST_OF_EACH]


def _reference(bundle: Bundle) -> GraphDetector:
    return OnnxRuntimeDetector(bundle.content(MODEL_FILES["fp32"]), bundle.manifest.preprocessing)


def _opened(bundle: Bundle, graph: bytes) -> GraphDetector:
    """By OpenVINO where there is one: it has the same numbers in a fifth of the time."""
    if importlib.util.find_spec("openvino") is None:
        return OnnxRuntimeDetector(graph, bundle.manifest.preprocessing)
    from slsg_edge.runtime.openvino import OpenVinoDetector

    return OpenVinoDetector(graph, bundle.manifest.preprocessing, precision="int8")


def _finite_answers(detector: GraphDetector, frames: NDArray[np.uint8]) -> Answers:
    maps, scores = detector.run(frames)
    if not np.isfinite(maps).all() or not np.isfinite(scores).all():
        raise ExportError(
            f"{detector.name} gives maps or scores that are not all finite.",
            fix="A network that diverged cannot be used: train with a lower learning rate.",
        )
    return maps, scores
