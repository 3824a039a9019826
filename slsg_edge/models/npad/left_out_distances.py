"""What leaving out has found: distances of good images, and of anomalies in them."""

from collections.abc import Mapping

import torch
from torch import Tensor


class LeftOutDistances:
    """Of the frames in order: the cells' (N, M, h, w), the images' (N, S), and the share of each
    that is anomalous (N,), which is 0 for good ones."""

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
