"""Anomalies of FractalAD: a patch of the image, recoloured and turned, shows through a fractal.

Needs no textures and no second image. The steps and their numbers are those of the official
code (fag.py) but for one: everything happens at model resolution, where that code works on the
original image and shrinks the result.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from slsg_edge.config import require, require_shares
from slsg_edge.contracts import Image, Mask
from slsg_edge.errors import ConfigError
from slsg_edge.synthesis.colour import apply_curve, jitter
from slsg_edge.synthesis.foreground import foreground_mask
from slsg_edge.synthesis.fractal import fractal_mask
from slsg_edge.synthesis.settings import ForegroundSettings

WEAK, STRONG = 0.2, 1.0  # jitter of a patch
TURN = (15.0, 75.0)  # degrees
SMALLEST_SIDE = 4  # pixels of a patch
TRIES = 100


@dataclass(frozen=True, slots=True)
class FractalSettings:
    """The product's rules.

    side: of the patch, the least and largest share of the image's shorter side. margin: share of
    the image at each border that patches neither come from nor go to. place: `object` puts both
    ends of the way onto the product, found by `object_threshold` grey levels against the
    corners, with `object_side` by the product's shorter side. grow: pixels by which the label is
    wider than the paste. noise: its deviation in grey levels, in a share `noise_probability` of
    the anomalies. jitter: of colours, of normal and anomalous image alike.
    """

    side: tuple[float, float] = (0.1, 0.5)
    margin: float = 0.1
    place: Literal["anywhere", "object"] = "anywhere"
    object_side: tuple[float, float] = (0.05, 1.5)
    object_threshold: int = 30
    grow: int = 3
    noise: float = 10.0
    noise_probability: float = 0.5
    jitter: float = 0.05

    def __post_init__(self) -> None:
        require_shares("A number of fractal", self.noise_probability, self.jitter, *self.side)
        require(
            0 < self.side[0] <= self.side[1] <= 1 - 2 * self.margin and self.margin >= 0,
            f"fractal.side is {list(self.side)} with a margin of {self.margin}.",
            "Give a least and a largest side, the largest not above 1 - 2 x margin.",
        )
        require(
            0 < self.object_side[0] <= self.object_side[1],
            f"fractal.object_side is {list(self.object_side)}.",
            "Give a least and a largest side.",
        )
        least = min(self.grow, self.noise, self.object_threshold)
        require(least >= 0, f"A number of fractal is {least}.", "Give 0 or more.")


@dataclass(frozen=True, slots=True)
class FractalSimulator:
    """A `Simulator` by `settings`."""

    settings: FractalSettings

    def normal(self, rng: np.random.Generator, image: Image) -> Image:
        """Jittered before the anomaly is made, so that both halves share it."""
        strength = self.settings.jitter
        return jitter(rng, image, *[strength] * 4) if strength else image

    def anomalous(self, rng: np.random.Generator, image: Image, other: Image) -> tuple[Image, Mask]:
        """(H, W, 3) and (H, W); `other` takes no part."""
        result, pasted = self._pasted(rng, image)
        square = np.ones((3, 3), np.uint8)
        mask = np.asarray(
            cv2.dilate(pasted.astype(np.uint8), square, iterations=self.settings.grow) > 0
        )
        if rng.random() < self.settings.noise_probability:
            noise = rng.normal(0, self.settings.noise, (int(mask.sum()), 1))
            result[mask] = np.rint(np.clip(result[mask] + noise, 0, 255)).astype(np.uint8)
        return result, mask

    def _pasted(self, rng: np.random.Generator, image: Image) -> tuple[Image, Mask]:
        """Drawn again while fractal and turned patch miss each other."""
        ground = self._object(image)
        for _ in range(TRIES):
            side = self._side(rng, image, ground)
            shape = fractal_mask(rng, side)
            patch, inside = turned(rng, recoloured(rng, image[self._square(rng, ground, side)]))
            shape &= inside
            if shape.any():
                break
        else:
            raise ConfigError(
                f"No simulated anomaly in {TRIES} tries.", fix="Give larger patches: fractal.side."
            )
        result, mask = image.copy(), np.zeros(image.shape[:2], np.bool_)
        target = self._square(rng, ground, side)
        result[target][shape] = patch[shape]
        mask[target] = shape
        return result, mask

    def _object(self, image: Image) -> Mask:
        """Where the centre of a patch may lie; all of the image where no product is found."""
        everywhere = np.ones(image.shape[:2], np.bool_)
        if self.settings.place == "anywhere":
            return everywhere
        rule = ForegroundSettings("corners", threshold=self.settings.object_threshold)
        found = foreground_mask(image, rule)
        return found if found.any() else everywhere

    def _side(self, rng: np.random.Generator, image: Image, ground: Mask) -> int:
        shorter = min(image.shape[:2])
        wanted = rng.uniform(*self.settings.side) * shorter
        if self.settings.place == "object":
            _, sides, _ = cv2.minAreaRect(cv2.findNonZero(ground.astype(np.uint8)))
            wanted = rng.uniform(*self.settings.object_side) * min(sides)
        return int(np.clip(round(wanted), SMALLEST_SIDE, shorter))

    def _square(self, rng: np.random.Generator, ground: Mask, side: int) -> tuple[slice, slice]:
        """Rows and columns: inside the margins, or with the centre on the product."""
        if self.settings.place == "object":
            ys, xs = np.nonzero(ground)
            chosen = rng.integers(len(ys))
            centre = (int(ys[chosen]), int(xs[chosen]))
            starts = [
                int(np.clip(middle - side // 2, 0, length - side))
                for middle, length in zip(centre, ground.shape, strict=True)
            ]
        else:
            starts = [self._start(rng, length, side) for length in ground.shape]
        rows, columns = (slice(start, start + side) for start in starts)
        return rows, columns

    def _start(self, rng: np.random.Generator, length: int, side: int) -> int:
        first = round(self.settings.margin * length)
        return int(rng.integers(first, max(first, length - first - side) + 1))


def recoloured(rng: np.random.Generator, patch: Image) -> Image:
    """One of three: all jittered a little, brightness and contrast much, or two channels scaled."""
    kind = rng.integers(3)
    if kind == 0:
        return jitter(rng, patch, *[WEAK] * 4)
    if kind == 1:
        return jitter(rng, patch, STRONG, STRONG)
    factors = np.ones(3)
    factors[rng.choice(3, 2, replace=False)] = 2 * rng.random(2)
    return apply_curve(patch, np.arange(256)[:, None, None] * factors)


def turned(rng: np.random.Generator, patch: Image) -> tuple[Image, Mask]:
    """Mirrored at times, turned by TURN about its centre; the mask leaves out empty corners."""
    side = len(patch)
    steps = [-1 if rng.random() < 0.5 else 1 for _ in range(2)]
    mirrored = np.ascontiguousarray(patch[:: steps[0], :: steps[1]])
    centre = ((side - 1) / 2, (side - 1) / 2)
    turn = cv2.getRotationMatrix2D(centre, rng.uniform(*TURN), 1.0)
    # pixels that blend with what lies outside are left out
    inside = cv2.warpAffine(np.full((side, side), 255, np.uint8), turn, (side, side))
    rotated = cv2.warpAffine(mirrored, turn, (side, side))
    return np.asarray(rotated, np.uint8), np.asarray(inside == 255)
