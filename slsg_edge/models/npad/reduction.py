"""From all features of a patch to few: four rules, each a matrix. Knows no images."""

from typing import Literal, TypeAlias

import torch
from torch import Tensor

Rule: TypeAlias = Literal["projection", "random", "variance", "pca"]
LEARNED: tuple[Rule, ...] = ("variance", "pca")  # from the covariance of good patches


def reduction(rule: Rule, features: int, channels: int, seed: int) -> Tensor:
    """(channels, features) by chance: orthogonal directions, or some of the features."""
    random = torch.Generator().manual_seed(seed)
    if rule == "random":
        return _selection(torch.randperm(features, generator=random)[:channels], features)
    directions: Tensor = torch.linalg.qr(torch.randn(features, channels, generator=random)).Q
    return directions.T.contiguous()


def learned_reduction(rule: Rule, covariance: Tensor, channels: int) -> Tensor:
    """The features that vary most, or the principal directions."""
    if rule == "variance":
        order = torch.argsort(covariance.diagonal(), descending=True, stable=True)
        return _selection(order[:channels], len(covariance))
    directions: Tensor = torch.linalg.eigh(covariance).eigenvectors
    return directions[:, -channels:].T.contiguous()


def _selection(chosen: Tensor, features: int) -> Tensor:
    return torch.nn.functional.one_hot(torch.sort(chosen).values, features).float()
