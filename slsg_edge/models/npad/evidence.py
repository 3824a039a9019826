"""Several distances of one image, each calibrated by good images that it was not fitted on, and
fused: the smallest p-value counts.

A distance less the mean of the left-out good images, over their deviation, is z. Its one-sided
p-value under the normal distribution falls as z grows, so the smallest p-value is that of the
largest z, and the graph needs no distribution. That several were asked raises the fused value of
good images too; so it is put on the scale of left-out good images once more, which is exact
whatever the branches have in common, where Bonferroni's factor would be a bound.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SHUT = 1e6  # below every z
LEAST_SPREAD = 0.01  # of the centre: good images may be as good as alike


class Evidence(nn.Module):
    """`centre` and `spread` of each branch, and whether it is `shut`; last, of the largest z, and
    of what the map's largest z come to."""

    centre: Tensor
    spread: Tensor
    shut: Tensor

    def __init__(self, branches: Sequence[str]) -> None:
        super().__init__()
        count = len(branches)
        self.branches = tuple(branches)
        self.register_buffer("centre", torch.zeros(count + 2))
        self.register_buffer("spread", torch.ones(count + 2))
        self.register_buffer("shut", torch.zeros(count))

    def forward(self, distances: Tensor) -> Tensor:
        """(N, B) of whole images to (N, 1): the largest z, on the scale of good images."""
        largest = self.of_branches(distances).amax(1, keepdim=True)
        return self._normal(-2, largest)

    def of_branches(self, distances: Tensor) -> Tensor:
        """(N, B) to z (N, B), far below all others where a branch is shut."""
        count = len(self.branches)
        return (distances - self.centre[:count]) / self.spread[:count] - SHUT * self.shut

    def map(self, cells: Tensor) -> Tensor:
        """(N, M, h, w) of the first M branches to (N, 1, h, w): the largest z of each cell."""
        count = cells.shape[1]
        centre, spread, shut = (
            part[:count, None, None] for part in (self.centre, self.spread, self.shut)
        )
        return ((cells - centre) / spread - SHUT * shut).amax(1, keepdim=True)

    def normal_map(self, enlarged: Tensor) -> Tensor:
        return self._normal(-1, enlarged)

    def set_scale(self, index: int, good: Tensor) -> None:
        """From the values (N,) of good images."""
        centre = good.mean()
        self.centre[index] = centre
        least = LEAST_SPREAD * centre.abs().clamp_min(0.1)
        self.spread[index] = good.std().clamp_min(least)

    def open(self, branches: Sequence[str]) -> None:
        """These and no others."""
        shut = [branch not in branches for branch in self.branches]
        self.shut.copy_(torch.tensor(shut, dtype=self.shut.dtype))

    @property
    def opened(self) -> tuple[str, ...]:
        return tuple(
            branch
            for branch, shut in zip(self.branches, self.shut.tolist(), strict=True)
            if not shut
        )

    def _normal(self, index: int, value: Tensor) -> Tensor:
        return (value - self.centre[index]) / self.spread[index]
