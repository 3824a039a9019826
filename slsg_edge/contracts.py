"""What travels between the stages: samples, frames, predictions, verdicts.

Knows nothing about files, networks or cameras. An image is always `(H, W, 3)` uint8 in BGR
order, as OpenCV delivers it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) BGR."""
AnomalyMap: TypeAlias = NDArray[np.float32]
"""(H, W) at model resolution, 0 (normal) to 1."""
Answers: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]
"""What a graph gives for N frames: anomaly maps (N, H, W) and image scores (N,)."""
Mask: TypeAlias = NDArray[np.bool_]
"""(H, W), true where defective."""
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

GOOD = "good"

# The graph that every backend runs: what it takes and gives, by name.
GRAPH_INPUT = "frame"
GRAPH_OUTPUTS = ("anomaly_map", "image_score")

Precision: TypeAlias = Literal["fp32", "fp16", "int8"]
Split: TypeAlias = Literal["train", "validation", "test"]
Outcome: TypeAlias = Literal["good", "anomalous", "undecided"]
Reason: TypeAlias = Literal[
    "between_thresholds",  # inspected, and the score lies between the two thresholds
    "damaged_frame",  # a part of the picture is missing or wrong
    "detector_failed",  # or what it gave cannot be judged
    "frame_size",  # not the size that the detector was trained for
    "frozen",  # the same picture again and again
    "no_frame",  # the source gives none
    "no_picture",  # nothing is on it: all black, white or grey
    "several_pages",  # a file with more than one picture
    "stale",  # too old when its turn came
    "too_large",  # more pixels than are decoded
    "unreadable",  # no picture that can be decoded
]
"""Why a verdict is `undecided`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One image of a data set. `kind` is `good` or the name of the defect's folder.

    acquisition: the day, lot or set-up that it was taken in; empty where nobody knows.
    """

    image: Path
    split: Split
    kind: str = GOOD
    masks: tuple[Path, ...] = ()
    acquisition: str = ""

    @property
    def good(self) -> bool:
        return self.kind == GOOD


@dataclass(frozen=True, slots=True)
class Channel:
    """One defect of an image, (H, W).

    `saturation`: found pixels that count as the whole defect; None where the data set does not
    say, and then there is no saturated PRO.
    """

    mask: Mask
    saturation: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a picture may not be inspected: what kind of reason, and a sentence for people."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture from a source, or why there is none that may be inspected.

    `captured_at` is UTC seconds since the epoch, for people; `captured_monotonic` is seconds of
    the monotonic clock, for ages, since the wall clock may jump. `part` tells a part from all
    others, also after a restart, where the source knows: a dropped file by name, size and time.
    """

    index: int
    origin: str
    captured_at: float
    captured_monotonic: float
    image: Image | None = None
    fault: Fault | None = None
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a detector says of one frame; `image_score` is 0 (normal) to 1."""

    anomaly_map: AnomalyMap
    image_score: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """`undecided` always has a reason; the others always have a score and a threshold.

    detail: the reason as a sentence for people; None where the reason says it all.
    """

    outcome: Outcome
    score: float | None = None
    threshold: float | None = None
    p_value: float | None = None
    reason: Reason | None = None
    detail: str | None = None

    @property
    def why(self) -> str | None:
        """The detail, else the reason; None for a part that is good or anomalous."""
        return self.detail or self.reason


SIZES = {"small": 0.02, "medium": 0.08, "large": 1.0}
"""The largest share of the image that a simulated anomaly of that size covers."""


def size_of(share: float) -> str:
    """The name of the size of an anomaly that covers such a share of the image."""
    return next(name for name, most in SIZES.items() if share <= most)


@dataclass(frozen=True, slots=True)
class SimulatedScore:
    """What a detector says of one simulated anomaly.

    kind: `structure` is made of the product's own pixels, `texture` of foreign ones, `fractal` of
    a recoloured patch. share: of the image that it covers. score: 0 to 1.
    """

    kind: str
    share: float
    score: float

    @property
    def size(self) -> str:
        return size_of(self.share)


class Detector(Protocol):
    """A trained model on some backend: a frame of any size in, a prediction out.

    Cuts the region of interest and resizes by itself, because a GPU backend does that on the
    device.
    """

    @property
    def name(self) -> str:
        """Backend and precision for people, as in `onnxruntime cpu fp32`."""

    def detect(self, frame: Image) -> Prediction: ...

    def close(self) -> None: ...
