"""Anomalies of several kinds and sizes, to try a threshold on: what it would find and what not.

A detector that learns from one kind of anomaly finds that kind too easily, so there is always
another one. Simulated anomalies are no real defects: they say whether a threshold is of any use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from slsg_edge.contracts import Image, Mask
from slsg_edge.synthesis.anomalies import AnomalySimulator, Simulator, TextureSource
from slsg_edge.synthesis.fractal_patches import FractalSettings, FractalSimulator
from slsg_edge.synthesis.settings import SynthesisSettings

WANTED = 240  # anomalies in all: each of three kinds in three sizes is then known to 20 points
SIZES: Mapping[str, float] = {"small": 0.02, "medium": 0.08, "large": 1.0}
"""The largest share of the image that an anomaly of that size covers."""
VISIBLE = 12.0  # grey levels by which an anomaly differs from the good image, in the mean
TRIES = 20  # until one is visible
_SEED = 7  # first word of the seeds, as in training.feed


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
        return next(name for name, most in SIZES.items() if self.share <= most)


class ImageArray(Protocol):
    """Good images of one size, by number."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Image: ...


@dataclass(frozen=True, slots=True)
class SimulatedSet:
    """Simulated anomalies in good images: number `i` is a function of the seed and `i` alone.

    kinds: what draws each kind of anomaly.
    """

    images: ImageArray
    kinds: Mapping[str, Simulator]
    seed: int = 0
    wanted: int = WANTED

    def numbers_of(self, image: int) -> Sequence[int]:
        """Which anomalies lie in this image; images are taken in turns, evenly spread."""
        count = len(self.images)
        first = -(-image * self.wanted // count)
        return range(first, -(-(image + 1) * self.wanted // count))

    def kind_of(self, number: int) -> str:
        return tuple(self.kinds)[number % len(self.kinds)]

    def anomaly(self, image: int, number: int) -> tuple[Image, Mask]:
        """(H, W, 3) and (H, W): the image with an anomaly that can be seen."""
        rng = np.random.default_rng([_SEED, self.seed, number])
        good, other = self.images[image], self.images[int(rng.integers(len(self.images)))]
        simulator = self.kinds[self.kind_of(number)]
        for _ in range(TRIES):
            drawn, mask = simulator.anomalous(rng, good, other)
            if visible(good, drawn, mask):
                break
        return drawn, mask


def visible(good: Image, anomalous: Image, mask: Mask) -> bool:
    """Whether a person would see the difference: VISIBLE grey levels in the mean of the mask."""
    difference = np.abs(anomalous[mask].astype(np.int16) - good[mask])
    return difference.size > 0 and float(difference.max(axis=1).mean()) >= VISIBLE


def anomaly_kinds(
    own: Simulator, synthesis: SynthesisSettings, textures: TextureSource
) -> dict[str, Simulator]:
    """By the rules of the product, and those of a detector that simulates in another way.

    own: what the bundle's detector learns from.
    """
    structure = replace(synthesis, structure_probability=1.0)
    texture = replace(synthesis, structure_probability=0.0)
    fractal = own if isinstance(own, FractalSimulator) else FractalSimulator(FractalSettings())
    return {
        "structure": AnomalySimulator(structure, textures),
        "texture": AnomalySimulator(texture, textures),
        "fractal": fractal,
    }
