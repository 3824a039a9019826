"""A memory of patches of good images, and the distance to the nearest (after PatchCore, Roth et al.
2022): what no good image had anywhere.

Distances are in coordinates in which the good patches' covariance is the unit one, so that a
direction in which they vary little counts as much as another. The patches are chosen in sub-banks,
each from images of its own. So the distance of an image by patches of others is known without
choosing anew: its sub-bank is left out.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from slsg_edge.models.npad.distances import TINY
from slsg_edge.models.npad.fitted import regularised, whitening
from slsg_edge.models.npad.spec import NpadSpec

FAR = 1e9  # squared distance from a patch that does not count


class Bank(nn.Module):
    """Euclidean distance to the nearest kept patch, over the root of the channels: one convolution
    for the coordinates, one for all products, and a minimum."""

    def __init__(self, spec: NpadSpec) -> None:
        super().__init__()
        self.channels = spec.channels
        self.size = spec.bank // spec.sub_banks  # of a sub-bank
        self.whitening = nn.Conv2d(spec.channels, spec.channels, 1)
        self.products = nn.Conv2d(spec.channels, self.size * spec.sub_banks, 1)

    def forward(self, patches: Tensor) -> Tensor:
        """(N, D, h, w) to (N, 1, h, w)."""
        x = self.whitening(patches)
        return self._root(x, self.products(x))

    def without(self, sub_banks: Iterable[int], patches: Tensor) -> Tensor:
        """The same by the other sub-banks."""
        bias = self._bias().clone()
        for number in sub_banks:
            bias[number * self.size : (number + 1) * self.size] = FAR
        x = self.whitening(patches)
        return self._root(x, functional.conv2d(x, self.products.weight, bias))

    def fit_whitening(self, mean: Tensor, covariance: Tensor, regularisation: float) -> None:
        """From (D,) and (D, D) of all good patches."""
        factor = whitening(regularised(covariance.clone()[None], regularisation))[0]
        self.whitening.weight.copy_(factor[..., None, None])
        _present(self.whitening.bias).copy_(-factor @ mean)

    def fit_sub_bank(self, number: int, patches: Tensor, seed: int) -> None:
        """Chooses from patches (M, D) of the sub-bank's images, which are not whitened."""
        x = self.whitening(patches.T[None, ..., None])[0, ..., 0].T
        chosen = spread_out(x, self.size, seed)
        rows = slice(number * self.size, (number + 1) * self.size)
        self.products.weight[rows] = -2 * chosen[..., None, None]
        self._bias()[rows] = chosen.square().sum(1)

    def _bias(self) -> Tensor:
        return _present(self.products.bias)

    def _root(self, x: Tensor, products: Tensor) -> Tensor:
        squares = x.square().sum(1, keepdim=True) + products.amin(1, keepdim=True)
        return (squares / self.channels).clamp_min(TINY).sqrt()


def _present(bias: Tensor | None) -> Tensor:
    assert bias is not None  # as Bank makes its convolutions
    return bias


def spread_out(vectors: Tensor, count: int, seed: int) -> Tensor:
    """(count, D) of `vectors` (M, D): each the farthest from those before it (Gonzalez 1985).

    So no vector is farther from its nearest than twice what the best choice would leave. Some come
    again where there are fewer.
    """
    random = torch.Generator().manual_seed(seed)
    chosen = [int(torch.randint(len(vectors), (1,), generator=random))]
    lengths = vectors.square().sum(1)
    distances = torch.full((len(vectors),), torch.inf)
    while len(chosen) < count:
        last = chosen[-1]
        squares = lengths - 2 * (vectors @ vectors[last]) + lengths[last]
        distances = torch.minimum(distances, squares)
        chosen.append(int(distances.argmax()))
    return vectors[chosen]


def sub_banks_of(folds: Sequence[Sequence[int]], count: int) -> list[list[int]]:
    """The images of each sub-bank: whole folds in turns, so that to leave out a fold is to leave
    out one sub-bank. Where there are fewer folds than sub-banks, they come again."""
    most = min(count, len(folds))
    own = [[image for fold in folds[first::most] for image in fold] for first in range(most)]
    return [own[number % most] for number in range(count)]
