"""The scale of branches whose smallest p-value counts, and which of them are open."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from slsg_edge.models.npad.evidence import Evidence
from slsg_edge.models.npad.left_out_distances import LeftOutDistances
from slsg_edge.models.npad.network import NpadNetwork
from slsg_edge.models.npad.spec import MAP_BRANCHES
from slsg_edge.models.scored import image_score

MAPS = 64  # whose enlarged maps are in memory at once
# Of AUROC, that one more branch must be worth: each that is asked raises good images too.
WORTH = 0.004


@dataclass(frozen=True, slots=True)
class FusedScaled:
    """The network's scale from left-out distances, and what it says of them."""

    network: NpadNetwork
    kept: LeftOutDistances

    @torch.inference_mode()
    def fit(self, cells: Sequence[Tensor]) -> None:
        """From the good images alone, but for which branches are open where that is asked:
        `cells` are the places of the simulated anomalies of each kind and size.
        """
        evidence, good = self.evidence, self.kept.shares == 0
        distances = torch.cat(list(self._distances()))
        for branch, values in enumerate(distances[good].T):
            evidence.set_scale(branch, values)
        if self.network.spec.combine == "auto" and cells:
            evidence.open(best_branches(evidence, distances, good, cells))
        evidence.set_scale(-2, evidence.of_branches(distances[good]).amax(1))
        evidence.set_scale(-1, torch.cat(list(self._maps()))[good])

    @torch.inference_mode()
    def scores(self) -> list[float]:
        """Of all frames: what the graph would give if it knew all images but a frame's own."""
        head, found = self.network.head, []
        for maps, others in self._parts():
            _, logits = head.fused(maps, [others])
            found += torch.sigmoid(logits[:, 0]).tolist()
        return found

    @property
    def evidence(self) -> Evidence:
        found = self.network.head.evidence
        assert found is not None  # of a network with branches
        return found

    def _distances(self) -> Iterator[Tensor]:
        """(n, B) of some frames after the others, on the CPU."""
        for maps, others in self._parts():
            yield self.network.head.of_images(maps, [others]).cpu()

    def _maps(self) -> Iterator[Tensor]:
        """(n,) what the largest pixels of the fused map come to."""
        head, pixels = self.network.head, self.network.score_pixels
        for maps, _ in self._parts():
            yield image_score(head.enlarged(self.evidence.map(maps))[:, 0], pixels).cpu()

    def _parts(self) -> Iterator[tuple[Tensor, Tensor]]:
        place = self.evidence.centre.device
        for start in range(0, len(self.kept.maps), MAPS):
            some = slice(start, start + MAPS)
            yield self.kept.maps[some].to(place), self.kept.whole[some].to(place)


def best_branches(
    evidence: Evidence, distances: Tensor, good: Tensor, cells: Sequence[Tensor]
) -> tuple[str, ...]:
    """Those that part simulated anomalies best, by the AUROC of each kind and size, all counting
    alike, less what each branch must be worth.

    The whole image's stays open: what it is for, a thing too many or one that is missing, no
    simulation shows. distances: (N, B) of all frames; good: which of them are good; cells: the
    places of the anomalies of each kind and size.
    """
    z = evidence.of_branches(distances.to(evidence.centre.device)).cpu()

    def worth(chosen: tuple[str, ...]) -> float:
        columns = [evidence.branches.index(branch) for branch in chosen]
        scores = z[:, columns].amax(1)
        ranks = [float((scores[cell][:, None] > scores[good]).float().mean()) for cell in cells]
        return sum(ranks) / len(ranks) - WORTH * len(chosen)

    return max(choices(evidence.branches), key=worth)


def choices(branches: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Smaller ones first; each has a branch for the map, and the whole image's where there is."""
    always = tuple(branch for branch in branches if branch == "whole")
    optional = [branch for branch in branches if branch != "whole"]
    for count in range(1, len(optional) + 1):
        for some in itertools.combinations(optional, count):
            if not set(some).isdisjoint(MAP_BRANCHES):
                yield (*some, *always)
