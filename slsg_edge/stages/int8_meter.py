"""What INT8 does to a detector: maps, order of scores, AUROC and verdicts against the reference."""

import importlib.util
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import difference, golden_from_file
from slsg_edge.bundle.plan import GOLDEN_FILE, MODEL_FILES
from slsg_edge.bundle.training_record import trained_on
from slsg_edge.calibration.images import choose_good_images
from slsg_edge.calibration.sensitivity import Damage
from slsg_edge.calibration.threshold import check_enough, threshold_from_scores
from slsg_edge.contracts import Sample
from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.loading import load_frames
from slsg_edge.data.splits import content_hash
from slsg_edge.metrics.correlation import rank_correlation
from slsg_edge.metrics.ranking import auroc
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.detector import GraphDetector
from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector

EACH = 100  # good and defective images at most: every group of layers runs over all of them


@dataclass(frozen=True, slots=True)
class LabelledFrames:
    """(n, H, W, 3) at model resolution; `labels` (n,) true where defective."""

    frames: NDArray[np.uint8]
    labels: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ThresholdFrames:
    """(n, H, W, 3) good frames that a threshold for `false_alarms` is found from."""

    frames: NDArray[np.uint8]
    false_alarms: float


def threshold_frames(bundle: Bundle, folder: Path, false_alarms: float) -> ThresholdFrames:
    """ConfigError or DatasetError where no threshold could be found; 2 EACH images at most."""
    paths = choose_good_images(folder, trained_on(bundle)).paths
    check_enough(len(paths), false_alarms)
    frames = load_frames(paths[: 2 * EACH], bundle.manifest.preprocessing)
    return ThresholdFrames(frames, false_alarms)


def labelled_frames(folder: Path, preprocessing: Preprocessing) -> LabelledFrames | None:
    """Of the test images of a data set, EACH of both kinds by content hash; None without both."""
    dataset = read_dataset(folder)
    good, defective = (_chosen(dataset.of("test", good=side)) for side in (True, False))
    if not good or not defective:
        return None
    labels = np.arange(len(good) + len(defective)) >= len(good)
    return LabelledFrames(load_frames([*good, *defective], preprocessing), labels)


def _chosen(samples: Sequence[Sample]) -> list[Path]:
    return sorted((sample.image for sample in samples), key=content_hash)[:EACH]


class Int8Meter:
    """Runs candidate graphs over labelled images, or over good ones where there are no labels.

    With `fresh` frames each is judged by the threshold that it would get, not the reference's.
    """

    def __init__(
        self,
        bundle: Bundle,
        labelled: LabelledFrames | None,
        good: Sequence[Path],
        fresh: ThresholdFrames | None = None,
    ) -> None:
        self._preprocessing = bundle.manifest.preprocessing
        self._golden = golden_from_file(bundle.file(GOLDEN_FILE))
        self._fresh = fresh
        self._labels = None if labelled is None else labelled.labels
        self._frames = (
            load_frames(good[: 2 * EACH], self._preprocessing)
            if labelled is None
            else labelled.frames
        )
        reference = bundle.file(MODEL_FILES["fp32"])
        with closing(OnnxRuntimeDetector(reference, self._preprocessing)) as detector:
            self._maps, self._scores = detector.run(self._frames)
            self._threshold = self._reference_threshold(bundle, detector)

    def damage(self, graph: bytes) -> Damage:
        """Of a serialised graph; ExportError when it gives NaN."""
        with closing(_opened(graph, self._preprocessing)) as detector:
            maps, scores = detector.run(self._frames)
            answers = detector.run(self._golden.frames)
            own = self._own_threshold(detector)
        return Damage(
            map_mean=float(np.abs(maps - self._maps).mean()),
            rank=rank_correlation(scores, self._scores),
            auroc_drop=self._auroc_drop(scores),
            verdicts=difference(self._golden, *answers, self._threshold, own).verdicts,
        )

    def _reference_threshold(self, bundle: Bundle, detector: GraphDetector) -> float:
        """The bundle's, if it promises what a candidate's will; else found as that is."""
        stored = bundle.manifest.threshold
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
        return threshold_from_scores(scores.tolist(), self._fresh.false_alarms).value

    def _auroc_drop(self, scores: NDArray[np.float32]) -> float | None:
        if self._labels is None:
            return None
        return auroc(self._scores, self._labels) - auroc(scores, self._labels)


def _opened(model: bytes, preprocessing: Preprocessing) -> GraphDetector:
    """OpenVINO where there is one: it has the same numbers in a fifth of the time."""
    if importlib.util.find_spec("openvino") is None:
        return OnnxRuntimeDetector(model, preprocessing)
    from slsg_edge.runtime.openvino import OpenVinoDetector

    return OpenVinoDetector(model, preprocessing, precision="int8")
