"""The scale of distances that are summed, and what they count for: without branches.

A distance that scatters among good images weighs little.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from slsg_edge.models.npad.evidence import LEAST_SPREAD
from slsg_edge.models.npad.left_out_distances import LeftOutDistances
from slsg_edge.models.npad.network import NpadNetwork
from slsg_edge.models.scored import image_score

# What Mahalanobis, Euclidean and the whole image's distance may count for: a product in one pose
# is told best by its places, one in any pose by its kinds of patches, one that is wrong as a
# whole by its mean features.
SHARES, WHOLES = (0.5, 0.0, 0.25, 0.75, 1.0), (1.0, 3.0)
MAPS = 64  # whose enlarged maps are in memory at once


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
