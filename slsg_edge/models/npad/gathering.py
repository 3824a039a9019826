"""N-pad's phases: statistics of good images, then one scale for both distances.

Each image passes the trunk once: those of the first phase make the Gaussians and centroids, those
held out of it make the scale. A learned reduction alone takes a phase more, before.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from slsg_edge.models.npad.fitted import fit_centroids, fit_gaussians, fit_whole, k_means
from slsg_edge.models.npad.network import NpadNetwork
from slsg_edge.models.npad.reduction import learned_reduction
from slsg_edge.models.npad.settings import NpadSettings
from slsg_edge.models.npad.statistics import Moments, PatchSample, means_and_covariances
from slsg_edge.models.scored import Normalise, image_score
from slsg_edge.training.checkpoint import Stateful
from slsg_edge.training.device import TrainingDevice
from slsg_edge.training.feed import Batch, FrameBatches
from slsg_edge.training.frames import StoredFrames
from slsg_edge.training.loop import Losses, Phase

LEAST_SPREAD = 0.01  # of the centre: held-out images may be as good as alike

Take: TypeAlias = Callable[[list[Tensor]], None]


class StatisticsPhases:
    """What the phases share: the network that is filled, its settings, images and device."""

    def __init__(
        self,
        network: NpadNetwork,
        settings: NpadSettings,
        frames: StoredFrames,
        device: TrainingDevice,
    ) -> None:
        self.network, self.head, self.settings = network, network.head, settings
        self.frames, self.device = frames, device
        held_out = set(settings.held_out(len(frames)))
        self.held_out = sorted(held_out)
        self.seen = [index for index in range(len(frames)) if index not in held_out]
        self.normalise = Normalise().to(device.place)
        device.arrange(network.eval())

    def reduction_phase(self) -> Phase:
        """Chooses channels by the covariance of all patches' features."""
        moments = Moments(1, self.head.features)

        def take(given: list[Tensor]) -> None:
            moments.add(self.head.stacked(given).flatten(2).permute(0, 2, 1).flatten(0, 1)[None])

        fit = self._reduce(moments)
        return self._phase("reduction", self.seen, {"moments": moments}, take, fit)

    def statistics_phase(self) -> Phase:
        spec, options, seed = self.network.spec, self.settings.training, self.settings.seed
        rows, columns = self.head.grid
        patches = Moments(rows * columns, spec.channels)
        means = Moments(1, self.head.features)
        sample = PatchSample(len(self.seen), options.sample, spec.channels, seed)

        def take(given: list[Tensor]) -> None:
            reduced = self.head.patches(given)
            patches.add(reduced.flatten(2).permute(2, 0, 1))
            sample.add(reduced)
            means.add(self.head.means(given)[None])

        def fit() -> None:
            cells = means_and_covariances(patches, rows, columns, options.neighbourhood)
            fit_gaussians(self.head.gaussians, *cells, options.regularisation)
            found = k_means(sample.vectors, spec.centroids, options.rounds, seed)
            fit_centroids(self.head.centroids, found)
            if self.head.whole is not None:
                (mean,), (covariance,) = means_and_covariances(means, 1, 1, 1)
                fit_whole(self.head.whole, mean, covariance, options.shrinkage)

        parts: dict[str, Stateful] = {"patches": patches, "means": means, "sample": sample}
        return self._phase("statistics", self.seen, parts, take, fit)

    def scale_phase(self) -> Phase:
        """Distances of images that the statistics did not see."""
        kept = HeldOutDistances()

        def take(given: list[Tensor]) -> None:
            reduced = self.head.patches(given)
            maps = self.head.gaussians(reduced), self.head.centroids(reduced)
            kept.add(torch.cat(maps, 1), self._whole(given))

        return self._phase("scale", self.held_out, {"kept": kept}, take, lambda: self._scale(kept))

    def _whole(self, given: list[Tensor]) -> Tensor:
        if self.head.whole is None:
            return torch.zeros(len(given[0]), 1)
        distance: Tensor = self.head.whole(self.head.means(given))
        return distance

    def _scale(self, kept: "HeldOutDistances") -> None:
        head, place = self.head, self.device.place
        first, second = torch.split(kept.maps.to(place), 1, 1)
        self._set(0, self._scores(first))
        self._set(1, self._scores(second))
        both = head.combined(first, second)
        self._set(2, self._scores(both))
        total = self._scores(head.normal(2, both))
        if head.whole is not None:
            whole = kept.whole.to(place)[:, 0]
            self._set(3, whole)
            total = total + head.tipped(whole)
        self._set(4, total)

    def _scores(self, cells: Tensor) -> Tensor:
        """As the image score is taken from the map, of distances (N, 1, h, w)."""
        maps = self.head.enlarged(cells)[:, 0]
        return image_score(maps, self.network.score_pixels)

    def _set(self, index: int, values: Tensor) -> None:
        centre = values.mean()
        self.head.centre[index] = centre
        self.head.spread[index] = values.std().clamp_min(LEAST_SPREAD * centre.abs().clamp_min(0.1))

    def _reduce(self, moments: Moments) -> Callable[[], None]:
        def fit() -> None:
            _, (covariance,) = means_and_covariances(moments, 1, 1, 1)
            rule, channels = self.settings.training.reduction, self.network.spec.channels
            self.head.set_reduction(learned_reduction(rule, covariance, channels))

        return fit

    def _phase(
        self,
        name: str,
        images: Sequence[int],
        parts: dict[str, Stateful],
        take: Take,
        fit: Callable[[], None],
    ) -> Phase:
        """A pass over `images` in order; the last step fits, so that a checkpoint holds that."""
        batch = self.settings.training.batch
        source = FrameBatches(self.frames, images, batch)
        left = RemainingSteps(math.ceil(len(images) / batch))

        @torch.inference_mode()
        def step(frames: Batch) -> Losses:
            pixels, _ = self.device.move(frames)
            take(self.network.features(self.normalise(pixels)))
            if left.down():
                fit()
            return {}

        parts = {"network": self.network, "left": left, **parts}
        return Phase(name, left.steps, batch, parts, source, step)


class RemainingSteps:
    """Steps until the last one; goes on where a checkpoint left it."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def down(self) -> bool:
        self.steps -= 1
        return self.steps == 0

    def state_dict(self) -> dict[str, int]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.steps = state["steps"]


class HeldOutDistances:
    """Of the held-out images: both cells' distances (N, 2, h, w), the whole image's (N, 1)."""

    def __init__(self) -> None:
        self.maps, self.whole = torch.zeros(0), torch.zeros(0)

    def add(self, maps: Tensor, whole: Tensor) -> None:
        first = not len(self.maps)
        self.maps = maps.cpu() if first else torch.cat((self.maps, maps.cpu()))
        self.whole = whole.cpu() if first else torch.cat((self.whole, whole.cpu()))

    def state_dict(self) -> dict[str, Tensor]:
        return {"maps": self.maps, "whole": self.whole}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.maps, self.whole = state["maps"], state["whole"]
