"""Anomalies of several kinds and sizes, to try a threshold on: what it would find and what not.

A detector that learns from one kind of anomaly finds that kind too easily, so there is always
another one. Simulated anomalies are no real defects: they say whether a threshold is of any use.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from slsg_edge.contracts import Image, Mask, SimulatedScore
from slsg_edge.synthesis.anomalies import AnomalySimulator, Simulator, TextureSource
from slsg_edge.synthesis.fractal_patches import FractalSettings, FractalSimulator
from slsg_edge.synthesis.settings import SynthesisSettings

WANTED = 180  # anomalies in all, of three kinds in three sizes
VISIBLE = 6.0  # grey levels in the mean by which an anomaly differs: seen where one looks for it
TRIES = 20  # of a kind, until one is visible
_SEED = 7  # first word of the seeds, as in training.feed


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
    wanted: int = field(default_factory=lambda: WANTED)

    def numbers_of(self, image: int) -> Sequence[int]:
        """Which anomalies lie in this image; images are taken in turns, evenly spread."""
        count = len(self.images)
        first = -(-image * self.wanted // count)
        return range(first, -(-(image + 1) * self.wanted // count))

    def kind_of(self, number: int) -> str:
        return tuple(self.kinds)[number % len(self.kinds)]

    def anomaly(self, image: int, number: int) -> tuple[Image, Mask]:
        """(H, W, 3) and (H, W): the image with an anomaly that can be seen, faint or plain.

        Where none of its kind can be, as of an image's own pixels where nearly all is black, it is
        one of another kind.
        """
        rng = np.random.default_rng([_SEED, self.seed, number])
        good, other = self.images[image], self.images[int(rng.integers(len(self.images)))]
        own = self.kinds[self.kind_of(number)]
        others = (kind for kind in self.kinds.values() if kind is not own)
        for simulator in (kind for kind in (own, *others) for _ in range(TRIES)):
            drawn, mask = simulator.anomalous(rng, good, other)
            contrast = contrast_of(good, drawn, mask)
            if contrast >= VISIBLE:
                return faded(good, drawn, (VISIBLE / contrast) ** rng.random()), mask
        return drawn, mask

    def scored(self, image: int, score: Callable[[Image], float]) -> Iterator[SimulatedScore]:
        """The anomalies that lie in this image, each with what `score` says of it."""
        for number in self.numbers_of(image):
            drawn, mask = self.anomaly(image, number)
            yield SimulatedScore(self.kind_of(number), float(mask.mean()), score(drawn))


def contrast_of(good: Image, anomalous: Image, mask: Mask) -> float:
    """By how many grey levels they differ in the mean of the mask, in the colour that does most."""
    difference = np.abs(anomalous[mask].astype(np.int16) - good[mask])
    return float(difference.max(axis=1).mean()) if difference.size else 0.0


def faded(good: Image, anomalous: Image, share: float) -> Image:
    """The difference to the good image times `share`."""
    return np.rint(good + share * (anomalous.astype(np.float32) - good)).astype(np.uint8)


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
