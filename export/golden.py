"""Golden frames: what the trained network says of a few frames, as the acceptance test of others.

The verdicts are not stored: they follow from the scores and the manifest's threshold, which may
change on the line. Knows nothing about torch, ONNX or TensorRT.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slsg_edge.errors import ExportError

FILE = "golden.npz"

# How far the reference graph may be from the trained network, both in FP32. A near tie among
# neighbours may fall the other way, so single pixels move more than the mean.
MAP_MEAN = 1e-4
MAP_P999 = 1e-2
SCORE = 1e-3


@dataclass(frozen=True, slots=True)
class Golden:
    """frames (n, H, W, 3) uint8; anomaly_map (n, H, W) and image_score (n,) float32."""

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
    """Absolute differences of a backend from the golden answers, and verdicts that changed.

    A golden score within SCORE of the threshold may fall on either side of it.
    """

    map_mean: float
    map_p999: float
    score: float
    verdicts: int

    def within_tolerance(self) -> bool:
        return (
            self.map_mean <= MAP_MEAN
            and self.map_p999 <= MAP_P999
            and self.score <= SCORE
            and self.verdicts == 0
        )

    def __str__(self) -> str:
        return (
            f"map mean {self.map_mean:.1e}, map 99.9 % {self.map_p999:.1e}, "
            f"score {self.score:.1e}, {self.verdicts} verdicts changed"
        )


def difference(
    golden: Golden,
    anomaly_map: NDArray[np.float32],
    image_score: NDArray[np.float32],
    threshold: float,
) -> Difference:
    """Of another backend's answers for the golden frames; ExportError for NaN or another shape."""
    if anomaly_map.shape != golden.anomaly_map.shape or not np.isfinite(anomaly_map).all():
        raise ExportError(
            f"The exported graph gives maps of {anomaly_map.shape}, not all finite or not "
            f"{golden.anomaly_map.shape}.",
            fix="Train again with a lower learning rate: a diverged network cannot be exported.",
        )
    off = np.abs(anomaly_map - golden.anomaly_map)
    clear = np.abs(golden.image_score - threshold) > SCORE
    changed = clear & ((image_score > threshold) != (golden.image_score > threshold))
    return Difference(
        float(off.mean()),
        float(np.quantile(off, 0.999)),
        float(np.abs(image_score - golden.image_score).max()),
        int(changed.sum()),
    )
