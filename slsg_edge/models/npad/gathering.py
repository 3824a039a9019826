"""N-pad's statistics: a pass over all good images, and one before where a reduction is learned."""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from slsg_edge.models.npad.fitted import (
    Clusters,
    fit_centroids,
    fit_gaussians,
    fit_whole,
    k_means,
    regularised,
    whitening,
)
from slsg_edge.models.npad.kept import KeptPatches, Patches
from slsg_edge.models.npad.leave_one_out import LeaveOneOut, WhitenedCells
from slsg_edge.models.npad.network import NpadNetwork
from slsg_edge.models.npad.reduction import learned_reduction
from slsg_edge.models.npad.settings import NpadSettings
from slsg_edge.models.npad.statistics import (
    Moments,
    PatchSample,
    means_and_covariances,
    neighbours,
)
from slsg_edge.models.recipe import TrainingContext
from slsg_edge.models.scored import Normalise
from slsg_edge.training.checkpoint import Stateful
from slsg_edge.training.feed import Batch, FrameBatches
from slsg_edge.training.loop import Losses, Phase
from slsg_edge.training.material import KEPT_FILE

Take: TypeAlias = Callable[[list[Tensor]], None]


class StatisticsPhases:
    """What the phases share: the network that is filled, and what it is filled from."""

    def __init__(self, network: NpadNetwork, context: TrainingContext[NpadSettings]) -> None:
        self.network, self.head, self.context = network, network.head, context
        self.settings, self.device = context.settings, context.device
        spec, options = network.spec, self.settings.training
        rows, columns = self.head.grid
        images = len(context.frames)
        self.patches = Moments(rows * columns, spec.channels)
        self.means = Moments(1, self.head.features)
        self.sample = PatchSample(images, options.sample, spec.channels, self.settings.seed)
        nothing = torch.zeros(0)
        self.clusters = Clusters(nothing, nothing, nothing)
        self.kept = KeptPatches(
            context.frames.path.with_name(KEPT_FILE), options.batch, self._patches_of
        )
        self.normalise = Normalise().to(self.device.place)
        self.device.arrange(network.eval())

    def reduction_phase(self) -> Phase:
        """Chooses channels by the covariance of all patches' features."""
        moments = Moments(1, self.head.features)

        def take(given: list[Tensor]) -> None:
            moments.add(self.head.stacked(given).flatten(2).permute(0, 2, 1).flatten(0, 1)[None])

        def fit() -> None:
            _, (covariance,) = means_and_covariances(moments, 1, 1, 1)
            rule, channels = self.settings.training.reduction, self.network.spec.channels
            self.head.set_reduction(learned_reduction(rule, covariance, channels))

        return self._pass("reduction", {"moments": moments}, take, fit)

    def statistics_phase(self) -> Phase:
        def take(given: list[Tensor]) -> None:
            found = self._patches(given)
            self.patches.add(found.cells.flatten(2).permute(2, 0, 1))
            self.sample.add(found.cells)
            self.means.add(found.means[None])
            self.kept.add(found)

        parts: dict[str, Stateful] = {
            "patches": self.patches,
            "means": self.means,
            "sample": self.sample,
            "clusters": self.clusters,
            "kept": self.kept,
        }
        return self._pass("statistics", parts, take, self._fit)

    def left_out(self) -> LeaveOneOut:
        """Once the statistics are gathered."""
        options, (rows, columns) = self.settings.training, self.head.grid
        means, covariances = self._gaussians()
        factor = whitening(regularised(covariances, options.regularisation))
        counts = float(self.patches.count) * neighbours(rows, columns, options.neighbourhood)
        rank = self.network.spec.rank
        cells = WhitenedCells(factor, means, counts, options.neighbourhood, rank)
        return LeaveOneOut(
            self.head, cells, self.means, self.sample, self.clusters, options.shrinkage
        )

    def _fit(self) -> None:
        spec, options, head = self.network.spec, self.settings.training, self.head
        fit_gaussians(head.gaussians, *self._gaussians(), options.regularisation)
        found = k_means(self.sample.vectors, spec.centroids, options.rounds, self.settings.seed)
        self.clusters.load_state_dict(found.state_dict())
        fit_centroids(head.centroids, found.centroids)
        if head.whole is not None:
            (mean,), (covariance,) = means_and_covariances(self.means, 1, 1, 1)
            fit_whole(head.whole, mean, covariance, options.shrinkage)

    def _gaussians(self) -> tuple[Tensor, Tensor]:
        """(cells, D) means and (cells, D, D) covariances."""
        side = self.settings.training.neighbourhood
        return means_and_covariances(self.patches, *self.head.grid, side)

    def features(self, frames: Tensor) -> list[Tensor]:
        """Of frames (N, H, W, 3) uint8 that are on the device."""
        return self.network.features(self.normalise(frames))

    def patches_in(self, frames: Tensor) -> Patches:
        """Of frames (N, H, W, 3) uint8, found in one batch."""
        return self._patches(self.features(frames.to(self.device.place)))

    def _patches_of(self, images: range) -> Patches:
        frames = np.stack([self.context.frames[image] for image in images])
        return self.patches_in(torch.from_numpy(frames))

    def _patches(self, given: list[Tensor]) -> Patches:
        """On the CPU, where the sums are, and laid out as those that are read from the file: what
        is computed from others has other last bits."""
        return Patches(self.head.patches(given).cpu().contiguous(), self.head.means(given).cpu())

    def _pass(
        self, name: str, parts: dict[str, Stateful], take: Take, fit: Callable[[], None]
    ) -> Phase:
        """Over the images in order; the last step fits, so that a checkpoint holds that."""
        frames, batch = self.context.frames, self.settings.training.batch
        source = FrameBatches(frames, range(len(frames)), batch)
        left = RemainingSteps(math.ceil(len(frames) / batch))

        @torch.inference_mode()
        def step(batch: Batch) -> Losses:
            pixels, _ = self.device.move(batch)
            take(self.features(pixels))
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
