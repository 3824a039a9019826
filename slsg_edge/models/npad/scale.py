"""N-pad's last pass: how far each good image lies from what the others came to.

That puts all distances on one scale, and is what a part that nobody has seen would score.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from slsg_edge.contracts import SimulatedScore, size_of
from slsg_edge.models.npad.gathering import RemainingSteps, StatisticsPhases
from slsg_edge.models.npad.kept import Patches, joined
from slsg_edge.models.npad.leave_one_out import folds_of
from slsg_edge.models.npad.left_out_batches import LeftOutBatches
from slsg_edge.models.npad.network import NpadNetwork
from slsg_edge.models.scored import image_score
from slsg_edge.training.checkpoint import Stateful
from slsg_edge.training.feed import Batch
from slsg_edge.training.loop import Losses, Phase
from slsg_edge.training.out_of_sample import OutOfSample

LEAST_SPREAD = 0.01  # of the centre: good images may be as good as alike
FOLDS_OF_LOW_RANK = 20  # whose Gaussians are found anew for each, in about a second
CHUNK = 8  # anomalies that pass the trunk at a time
# What Mahalanobis, Euclidean and the whole image's distance may count for: a product in one pose
# is told best by its places, one in any pose by its kinds of patches, one that is wrong as a
# whole by its mean features.
SHARES, WHOLES = (0.5, 0.0, 0.25, 0.75, 1.0), (1.0, 3.0)
MAPS = 64  # whose enlarged maps are in memory at once


class LeftOutDistances:
    """Of the frames in order: the cells' (N, 2, h, w), the whole image's (N, 1), and the share of
    each that is anomalous (N,), which is 0 for good ones."""

    def __init__(self) -> None:
        self.maps, self.whole, self.shares = torch.zeros(0), torch.zeros(0), torch.zeros(0)

    def add(self, maps: Tensor, whole: Tensor, shares: Tensor) -> None:
        first = not len(self.maps)
        self.maps = maps if first else torch.cat((self.maps, maps))
        self.whole = whole if first else torch.cat((self.whole, whole))
        self.shares = torch.cat((self.shares, shares))

    def state_dict(self) -> dict[str, Tensor]:
        return {"maps": self.maps, "whole": self.whole, "shares": self.shares}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.maps, self.whole, self.shares = state["maps"], state["whole"], state["shares"]


def scale_phase(made: StatisticsPhases) -> Phase:
    """After the statistics: each fold of images by what all the others came to."""
    most = FOLDS_OF_LOW_RANK if made.network.spec.rank else None
    batch = made.settings.training.batch
    source = LeftOutBatches(made.context.simulated(), folds_of(made.context.groups(), most), batch)
    left_out, kept, left = made.left_out(), LeftOutDistances(), RemainingSteps(len(source))

    @torch.inference_mode()
    def step(drawn: Batch) -> Losses:
        frames, shares = drawn
        anomalies, found, start = _patches(made, frames), [], 0
        for fold in source.folds[len(source) - left.steps]:
            rows = range(start, start + len(source.entries(fold)) - len(fold))
            own = made.kept.of(fold)
            asked = joined([own, anomalies.of(rows)]) if anomalies and rows else own
            found.append(left_out.distances(fold, own, asked))
            start = rows.stop
        maps, whole = (torch.cat(some) for some in zip(*found, strict=True))
        kept.add(maps, whole, shares)
        if left.down():
            Scaled(made.network, kept).fit(_cells(source, kept))
        return {}

    def scores() -> OutOfSample:
        return _named(source, kept, Scaled(made.network, kept).scores())

    parts: dict[str, Stateful] = {"network": made.network, "left": left, "kept": kept}
    return Phase("scale", len(source), batch, parts, source, step, scores)


@dataclass(frozen=True, slots=True)
class Scaled:
    """The network's scale from distances, and what it says of them."""

    network: NpadNetwork
    kept: LeftOutDistances

    @torch.inference_mode()
    def fit(self, cells: Sequence[Tensor]) -> None:
        """From the good images alone, but for what the distances count for where that is open:
        `cells` are the places of the simulated anomalies of each kind and size.
        """
        head, place = self.network.head, self.network.head.centre.device
        first, second = torch.split(self.kept.maps.to(place), 1, 1)
        self._set(0, self._of_cells(first))
        self._set(1, self._of_cells(second))
        if head.whole is not None:
            self._set(3, self.kept.whole[:, 0].to(place))
        if head.spec.combine == "auto" and cells:
            self._mix(first, second, cells)
        self._set(4, self._combined(first, second))

    def _combined(self, first: Tensor, second: Tensor) -> Tensor:
        """(N,) of all frames on the way to the score, by the scale that is set before."""
        both = self._of_cells(self.network.head.combined(first, second))
        return self._total(both)

    def _total(self, both: Tensor) -> Tensor:
        """(N,) from the cells' distances combined: to scale them after they are enlarged and the
        largest are averaged gives the same as before."""
        head = self.network.head
        self._set(2, both)
        total = head.normal(2, both)
        if head.whole is None:
            return total
        return total + head.tipped(self.kept.whole[:, 0].to(total.device))

    def _mix(self, first: Tensor, second: Tensor, cells: Sequence[Tensor]) -> None:
        """The best by the AUROC of each kind and size of anomaly, all counting alike."""
        head, good = self.network.head, self.kept.shares == 0
        combined: dict[float, Tensor] = {}  # enlarged once for all weights of the whole image
        found: dict[tuple[float, float], float] = {}
        for whole, share in itertools.product(WHOLES, SHARES):
            head.mixing.copy_(torch.tensor((share, 1 - share, whole)))
            if share not in combined:
                combined[share] = self._of_cells(head.combined(first, second))
            scores = self._total(combined[share]).cpu()
            ranks = [float((scores[cell][:, None] > scores[good]).float().mean()) for cell in cells]
            found[whole, share] = sum(ranks) / len(ranks)
        whole, share = max(found, key=found.__getitem__)
        head.mixing.copy_(torch.tensor((share, 1 - share, whole)))

    @torch.inference_mode()
    def scores(self) -> list[float]:
        """Of all frames: what the graph would give if it knew all images but a frame's own."""
        head, place = self.network.head, self.network.head.centre.device
        found: list[float] = []
        for start in range(0, len(self.kept.maps), MAPS):
            some = slice(start, start + MAPS)
            maps, whole = self.kept.maps[some], self.kept.whole[some]
            first, second = torch.split(maps.to(place), 1, 1)
            known = None if head.whole is None else whole.to(place)
            anomaly_map = torch.sigmoid(head.logits(first, second, known)[:, 0])
            found += image_score(anomaly_map, self.network.score_pixels).tolist()
        return found

    def _of_cells(self, cells: Tensor) -> Tensor:
        """As the image score is taken from the map, of distances (N, 1, h, w)."""
        pixels, head = self.network.score_pixels, self.network.head
        maps = (head.enlarged(part)[:, 0] for part in torch.split(cells, MAPS))
        return torch.cat([image_score(part, pixels) for part in maps])

    def _set(self, index: int, values: Tensor) -> None:
        """The scale of a distance, by those of all frames (N,), of which the good ones count."""
        head = self.network.head
        values = values[(self.kept.shares == 0).to(values.device)]
        centre = values.mean()
        head.centre[index] = centre
        head.spread[index] = values.std().clamp_min(LEAST_SPREAD * centre.abs().clamp_min(0.1))


def _cells(source: LeftOutBatches, kept: LeftOutDistances) -> list[Tensor]:
    """Places of the simulated anomalies among the frames, by kind and size."""
    cells: dict[tuple[str, str], list[int]] = {}
    for place, (entry, share) in enumerate(
        zip(source.all_entries(), kept.shares.tolist(), strict=True)
    ):
        if entry.anomaly is not None:
            cell = source.simulated.kind_of(entry.anomaly), size_of(share)
            cells.setdefault(cell, []).append(place)
    return [torch.tensor(cell) for cell in cells.values()]


def _patches(made: StatisticsPhases, frames: Tensor) -> Patches | None:
    """None of no frames."""
    if not len(frames):
        return None
    return joined([made.patches_in(part) for part in torch.split(frames, CHUNK)])


def _named(source: LeftOutBatches, kept: LeftOutDistances, scores: list[float]) -> OutOfSample:
    good: dict[int, float] = {}
    simulated = []
    for entry, share, score in zip(source.all_entries(), kept.shares.tolist(), scores, strict=True):
        if entry.anomaly is None:
            good[entry.image] = score
        else:
            kind = source.simulated.kind_of(entry.anomaly)
            simulated.append(SimulatedScore(kind, share, score))
    return OutOfSample(good, tuple(simulated))
