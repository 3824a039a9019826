"""Simulated anomalies: an image and its mask from a good image (SLSG's cutpaste_normal).

Knows nothing about batches or training. The same generator state gives the same anomaly.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from slsg_edge.contracts import Image, Mask
from slsg_edge.errors import ConfigError
from slsg_edge.synthesis.colour import jitter
from slsg_edge.synthesis.foreground import box_mask, foreground_mask
from slsg_edge.synthesis.perlin import perlin_mask
from slsg_edge.synthesis.settings import REFERENCE_SIDE, Blend, SynthesisSettings
from slsg_edge.synthesis.structure import structure_source
from slsg_edge.synthesis.textures import augment

RESTRICTED_TRIES = 16  # then the foreground restriction is dropped, as in the official code
TRIES = 1000


class TextureSource(Protocol):
    def draw(self, rng: np.random.Generator, height: int, width: int) -> Image: ...


class Simulator(Protocol):
    """What a detector learns from: `AnomalySimulator`, or a detector's own."""

    def normal(self, rng: np.random.Generator, image: Image) -> Image:
        """A good image as a training example."""

    def anomalous(self, rng: np.random.Generator, image: Image, other: Image) -> tuple[Image, Mask]:
        """(H, W, 3) and (H, W): `image` with an anomaly; `other` is another training image."""


@dataclass(frozen=True, slots=True)
class AnomalySimulator:
    """Draws anomalies by `settings`; `textures` gives the foreign ones."""

    settings: SynthesisSettings
    textures: TextureSource

    def normal(self, rng: np.random.Generator, image: Image) -> Image:
        """The image as a training example: a little brightness and saturation."""
        strength = self.settings.jitter
        return jitter(rng, image, strength, saturation=strength) if strength else image

    def anomalous(self, rng: np.random.Generator, image: Image, other: Image) -> tuple[Image, Mask]:
        """(H, W, 3) and (H, W): `image` with an anomaly; `other` is another training image."""
        structural = rng.random() < self.settings.structure_probability
        source = self._source(rng, image, other, structural)
        mask = self._mask(rng, image, source, structural)
        kind = self.settings.structure if structural else self.settings.texture
        share = _share(rng, kind.blend)
        mixed = (1 - share) * source[mask] + share * image[mask]
        result = image.copy()
        result[mask] = np.rint(mixed).astype(np.uint8)
        return result, mask

    def _source(
        self, rng: np.random.Generator, image: Image, other: Image, structural: bool
    ) -> Image:
        if structural:
            return structure_source(rng, image, other, self.settings.structure)
        texture = self.textures.draw(rng, *image.shape[:2])
        return augment(rng, texture, self.settings.texture.augmentations)

    def _mask(
        self, rng: np.random.Generator, image: Image, source: Image, structural: bool
    ) -> Mask:
        """Drawn again until it is large enough."""
        height, width = image.shape[:2]
        kind = self.settings.structure if structural else self.settings.texture
        allowed = self._allowed(rng, image, source, "structure" if structural else "texture")
        smallest = self.settings.minimum_area * height * width / REFERENCE_SIDE**2
        replaced = structural and rng.random() < self.settings.foreground.replace_mask
        for attempt in range(TRIES):
            mask = perlin_mask(rng, height, width, kind.cells, kind.threshold)
            if replaced and attempt == 0:
                mask = allowed if allowed is not None else mask
            elif allowed is not None and attempt < RESTRICTED_TRIES:
                mask &= allowed
            if mask.sum() >= smallest:
                return self._with_box(rng, mask)
        raise ConfigError(
            f"No simulated anomaly of {smallest:.0f} pixels in {TRIES} tries.",
            fix="Lower synthesis.minimum_area or the Perlin threshold.",
        )

    def _allowed(
        self,
        rng: np.random.Generator,
        image: Image,
        source: Image,
        kind: Literal["structure", "texture"],
    ) -> Mask | None:
        settings = self.settings.foreground
        if kind not in settings.kinds or rng.random() >= settings.probability:
            return None
        return foreground_mask(image if settings.of == "image" else source, settings)

    def _with_box(self, rng: np.random.Generator, mask: Mask) -> Mask:
        extra = self.settings.extra_box
        if rng.random() < extra.probability:
            return mask | box_mask(mask.shape[0], mask.shape[1], extra.box)
        return mask


def _share(rng: np.random.Generator, blend: Blend) -> float:
    if rng.random() < blend.fixed_probability:
        return blend.fixed
    return float(rng.uniform(0, blend.maximum))
