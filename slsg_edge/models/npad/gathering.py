"""N-pad's statistics: a pass over all good images, and one before where a reduction is learned."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from slsg_edge.models.npad.bank import Bank, sub_banks_of
from slsg_edge.models.npad.distances import Centroids
from slsg_edge.models.npad.fitted import (
    Clusters,
    fit_centroids,
    fit_coarse,
    fit_gaussians,
    fit_whole,
    k_means,
    regularised,
    whitening,
)
from slsg_edge.models.npad.kept import KeptPatches, Patches
from slsg_edge.models.npad.leave_one_out import (
    LeaveOneOut,
    WhitenedCells,
    folds_of,
)
from slsg_edge.models.npad.network import NpadNetwork
from slsg_edge.models.npad.reduction import learned_reduction
from slsg_edge.models.npad.settings import NpadSettings
from slsg_edge.models.npad.shrinkage import FourthMoments, Shrinkage
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

FOLDS_OF_LOW_RANK = 20  # whose Gaussians are found anew for each, in about a second

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
        self.coarse = Moments(spec.cells**2, spec.channels)
        self.shrinkage = Shrinkage()
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
            if self.head.coarse is not None:
                self.coarse.add(self.head.coarse.means_by_cell(found.cells))
            self.kept.add(found)

        parts: dict[str, Stateful] = {
            "patches": self.patches,
            "means": self.means,
            "coarse": self.coarse,
            "shrinkage": self.shrinkage,
            "sample": self.sample,
            "clusters": self.clusters,
            "kept": self.kept,
        }
        return self._pass("statistics", parts, take, self._fit)

    @functools.cached_property
    def folds(self) -> list[list[int]]:
        """What is left out together. It opens every image."""
        most = FOLDS_OF_LOW_RANK if self.network.spec.rank else None
        return folds_of(self.context.groups(), most)

    @functools.cached_property
    def sub_banks(self) -> list[list[int]]:
        """The images of each sub-bank; none without a bank."""
        if self.head.bank is None:
            return []
        return sub_banks_of(self.folds, self.network.spec.sub_banks)

    def left_out(self) -> LeaveOneOut:
        """Once the statistics are gathered."""
        return LeaveOneOut(
            self.head,
            self._whitened_cells(),
            self.means,
            self.coarse,
            self.sample,
            self.clusters,
            self.shrinkage,
            self.sub_banks,
        )

    def _whitened_cells(self) -> WhitenedCells:
        options, (rows, columns) = self.settings.training, self.head.grid
        means, covariances = self._gaussians()
        factor = whitening(regularised(covariances, options.regularisation))
        counts = float(self.patches.count) * neighbours(rows, columns, options.neighbourhood)
        return WhitenedCells(factor, means, counts, options.neighbourhood, self.network.spec.rank)

    def _fit(self) -> None:
        head, options = self.head, self.settings.training
        if head.gaussians is not None:
            fit_gaussians(head.gaussians, *self._gaussians(), options.regularisation)
        if head.centroids is not None:
            self._fit_centroids(head.centroids)
        if head.bank is not None:
            self._fit_bank(head.bank)
        self._fit_images()

    def _fit_centroids(self, centroids: Centroids) -> None:
        options, wanted = self.settings.training, self.network.spec.centroids
        found = k_means(self.sample.vectors, wanted, options.rounds, self.settings.seed)
        self.clusters.load_state_dict(found.state_dict())
        fit_centroids(centroids, found.centroids)

    def _fit_bank(self, bank: Bank) -> None:
        options, place = self.settings.training, bank.products.weight.device
        (mean,), (covariance,) = means_and_covariances(self.patches.together(), 1, 1, 1)
        bank.fit_whitening(mean.to(place), covariance.to(place), options.regularisation)
        for number, images in enumerate(self.sub_banks):
            patches = self._drawn_from(images, self.settings.seed + number)
            bank.fit_sub_bank(number, patches.to(place), self.settings.seed + number)

    def _drawn_from(self, images: Sequence[int], seed: int) -> Tensor:
        """(M, D) patches, as many of each image."""
        sample = PatchSample(
            len(images), self.settings.training.sample, self.network.spec.channels, seed
        )
        for image in images:
            sample.add(self.kept.of([image]).cells)
        return sample.vectors

    def _fit_images(self) -> None:
        """What the image as a whole, and its coarse cells, are measured by."""
        head = self.head
        self.shrinkage.whole, self.shrinkage.coarse = self._shrinkage()
        if head.coarse is not None:
            moments = means_and_covariances(self.coarse, 1, 1, 1)
            fit_coarse(head.coarse.gaussians, *moments, self.shrinkage.coarse)
        if head.whole is not None:
            (mean,), (covariance,) = means_and_covariances(self.means, 1, 1, 1)
            fit_whole(head.whole, mean, covariance, float(self.shrinkage.whole))

    def _shrinkage(self) -> tuple[Tensor, Tensor]:
        """Of the means and of the coarse cells, for which the images are gone through again."""
        given, coarse = self.settings.training.shrinkage, self.head.coarse
        whole = FourthMoments(self.means)
        cells = None if coarse is None else FourthMoments(self.coarse)
        for image in range(len(self.context.frames) if given is None else 0):
            found = self.kept.of([image])
            whole.add(found.means[None])
            if coarse is not None and cells is not None:
                cells.add(coarse.means_by_cell(found.cells))
        return whole.share(given), torch.zeros(0) if cells is None else cells.share(given)

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
