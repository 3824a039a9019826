"""How far the correlations of few vectors are shrunk: given, or as Ledoit and Wolf have it."""

from collections.abc import Mapping

import torch
from torch import Tensor

from slsg_edge.models.npad.fitted import deviations_of, ledoit_wolf
from slsg_edge.models.npad.statistics import Moments, means_and_covariances


class Shrinkage:
    """Of the whole image's mean features, (1,), and of each coarse cell's, (cells,); a
    checkpoint's part, since it takes one more look at the images to find."""

    def __init__(self) -> None:
        self.whole, self.coarse = torch.zeros(1), torch.zeros(0)

    def state_dict(self) -> dict[str, Tensor]:
        return {"whole": self.whole, "coarse": self.coarse}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.whole, self.coarse = state["whole"], state["coarse"]


class FourthMoments:
    """Sums of |z|^4 over vectors whose mean and covariance are known."""

    def __init__(self, moments: Moments) -> None:
        self.count = moments.count
        self.means, self.covariances = means_and_covariances(moments, 1, 1, 1)
        self._deviations = deviations_of(self.covariances)
        self._sums = torch.zeros(len(self.means), dtype=torch.float64)

    def add(self, vectors: Tensor) -> None:
        """(groups, N, D)."""
        z = (vectors.double() - self.means[:, None]) / self._deviations[:, None]
        self._sums += z.square().sum(2).square().sum(1)

    def share(self, given: float | None) -> Tensor:
        """(groups,): what is given for all, else Ledoit and Wolf's."""
        if given is not None:
            return torch.full_like(self._sums, given)
        return ledoit_wolf(self.covariances, self._sums, self.count)
