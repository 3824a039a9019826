"""Golden frames: what the trained network says of a few frames, as the acceptance test of others.

The verdicts are not stored: they follow from the scores and the manifest's threshold, which may
change on the line. Knows nothing about torch, ONNX or TensorRT.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.arrays import DAMAGE, stored_arrays
from slsg_edge.bundle.digests import Content
from slsg_edge.bundle.tolerances import DEFAULTS, Tolerance
from slsg_edge.errors import BundleError, ExportError
from slsg_edge.metrics.correlation import rank_correlation

# A golden score this near to the threshold may fall on either side of it in FP32 already.
GOLDEN_SCORE_MARGIN = DEFAULTS["fp32"].score


@dataclass(frozen=True, slots=True)
class Golden:
    """What the trained network said of a few frames.

    frames: (n, H, W, 3) uint8, at the model's resolution.
    anomaly_map: (n, H, W) float32.
    image_score: (n,) float32.
    """

    frames: NDArray[np.uint8]
    anomaly_map: NDArray[np.float32]
    image_score: NDArray[np.float32]

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            frames=self.frames,
            anomaly_map=self.anomaly_map,
            image_score=self.image_score,
        )
        return buffer.getvalue()

    def split_threshold(self) -> float:
        """In the middle of the widest gap: where verdicts are compared before calibration."""
        scores = np.sort(np.concatenate(([0.0], self.image_score, [1.0])))
        widest = int(np.argmax(np.diff(scores)))
        return float((scores[widest] + scores[widest + 1]) / 2)


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a backend's answers are from the golden ones, in absolute numbers.

    map_mean: mean over all pixels of the maps.
    map_p999: the 99.9 % quantile over the same pixels.
    score: the largest difference of an image score.
    verdicts: how many verdicts changed.
    rank: Spearman's correlation of the scores, None where all golden scores are equal.
    """

    map_mean: float
    map_p999: float
    score: float
    verdicts: int
    rank: float | None = None

    def beyond(self, tolerance: Tolerance) -> tuple[str, ...]:
        """What exceeds the tolerance, for people; no changed verdict is ever within it."""
        excesses = {
            "map mean": (self.map_mean, tolerance.map_mean),
            "map 99.9 %": (self.map_p999, tolerance.map_p999),
            "score": (self.score, tolerance.score),
        }
        reasons = [
            f"{name} {value:.1e} > {limit:.1e}"
            for name, (value, limit) in excesses.items()
            if value > limit
        ]
        if self.rank is not None and self.rank < tolerance.rank:
            reasons.append(f"rank {self.rank:.3f} < {tolerance.rank:.3f}")
        if self.verdicts:
            reasons.append(f"{self.verdicts} verdicts changed")
        return tuple(reasons)

    def __str__(self) -> str:
        return (
            f"map mean {self.map_mean:.1e}, map 99.9 % {self.map_p999:.1e}, "
            f"score {self.score:.1e}, {self.verdicts} verdicts changed"
        )


def golden_from(content: Content) -> Golden:
    """Of golden.npz; BundleError when it is none, or one that frames and answers do not fit in."""
    try:
        frames, maps, scores = stored_arrays(content.data, ("frames", "anomaly_map", "image_score"))
        golden = Golden(
            np.asarray(frames, np.uint8),
            np.asarray(maps, np.float32),
            np.asarray(scores, np.float32),
        )
    except DAMAGE as error:
        raise _damaged(content.path) from error
    shape = golden.frames.shape
    fits = (golden.anomaly_map.shape, golden.image_score.shape) == (shape[:3], shape[:1])
    if len(shape) != 4 or not shape[0] or not fits:
        raise _damaged(content.path)
    return golden


def difference(
    golden: Golden,
    anomaly_map: NDArray[np.float32],
    image_score: NDArray[np.float32],
    threshold: float,
    own_threshold: float | None = None,
) -> Difference:
    """Of another backend's answers for the golden frames; ExportError for NaN or another shape.

    `own_threshold` judges that backend's scores, where it has one of its own.
    """
    _check(golden, anomaly_map, image_score)
    off = np.abs(anomaly_map - golden.anomaly_map)
    judging = threshold if own_threshold is None else own_threshold
    return Difference(
        float(off.mean()),
        float(np.quantile(off, 0.999)),
        float(np.abs(image_score - golden.image_score).max()),
        _changed(golden, image_score, threshold, judging),
        rank_correlation(image_score, golden.image_score),
    )


def best_case_threshold(
    golden: Golden, image_score: NDArray[np.float32], threshold: float
) -> float:
    """The threshold under which a backend's scores change the fewest golden verdicts.

    It stands in for the backend's own threshold before that has been found.
    """
    ends = np.sort(np.concatenate(([0.0], image_score, [1.0])))
    middles: list[float] = ((ends[1:] + ends[:-1]) / 2).tolist()
    return min(middles, key=lambda middle: _changed(golden, image_score, threshold, middle))


def _changed(
    golden: Golden, scores: NDArray[np.float32], threshold: float, own_threshold: float
) -> int:
    """Verdicts that differ, but for golden scores that are nearly the threshold."""
    clear = np.abs(golden.image_score - threshold) > GOLDEN_SCORE_MARGIN
    return int((clear & ((scores > own_threshold) != (golden.image_score > threshold))).sum())


def _check(golden: Golden, maps: NDArray[np.float32], scores: NDArray[np.float32]) -> None:
    for name, values, due in (
        ("maps", maps, golden.anomaly_map.shape),
        ("scores", scores, golden.image_score.shape),
    ):
        if values.shape != due or not np.isfinite(values).all():
            raise ExportError(
                f"The graph gives {name} of {values.shape}, not all finite or not {due}.",
                fix="A network that diverged cannot be used: train with a lower learning rate.",
            )


def _damaged(path: Path) -> BundleError:
    return BundleError(f"{path} holds no golden frames.", fix="Run `slsg-edge export` again.")
