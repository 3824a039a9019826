"""A 2D normalising flow on one feature map (FastFlow, arXiv 2111.07677), without a permutation.

FastFlow shuffles the channels at random between its steps. Here they stay where they are: they
fall into eight groups, and each step says which four it changes by what it sees in the other
four. The network that is trained is so the one that is exported, with Split and Concat for all
its mixing. Knows nothing about backbones, losses or anomalies.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

GROUPS = 8
# Two groups lie on opposite sides of a split when the bits that their numbers share with its
# mask differ in parity: these four part any two groups at least twice, and most of them more.
_MASKS = (1, 2, 4, 7)
# A step multiplies by exp(-2) to exp(2); the subnet's answers are tempered as FrEIA's are, which
# keeps the first steps of Adam small.
STRETCH = 2.0
TEMPER = 0.1
# Far beyond what a good image gives, and still half its square is less than FP16's largest number.
LARGEST = 200.0


def changed_groups(step: int) -> tuple[int, ...]:
    """The four groups that a step changes; the next step of a pair changes the other four."""
    mask = _MASKS[step // 2 % len(_MASKS)]
    return tuple(
        group for group in range(GROUPS) if (group & mask).bit_count() % 2 == (step + 1) % 2
    )


class Coupling(nn.Module):
    """Affine coupling: one half stretched and shifted by what two convolutions see in the other.

    Starts as the identity.
    """

    def __init__(self, half: int, hidden: int, kernel: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(half, hidden, kernel, padding=kernel // 2)
        self.second = nn.Conv2d(hidden, 2 * half, kernel, padding=kernel // 2)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, seen: Tensor, changed: Tensor) -> tuple[Tensor, Tensor]:
        """The changed half and the logarithm of what it was stretched by, both FP32."""
        answer = self.second(torch.relu(self.first(seen))).float() * TEMPER
        stretch, shift = answer.chunk(2, 1)
        stretch = STRETCH * torch.tanh(stretch)
        return (changed * stretch.exp() + shift).clamp(-LARGEST, LARGEST), stretch


class Flow(nn.Module):
    """Features (N, C, h, w) to z of that shape, on good images as good as standard normal.

    First a layer norm over the whole map with a gain for each channel and place, which FastFlow's
    reproductions found to be necessary.
    """

    def __init__(
        self, shape: tuple[int, int, int], steps: int, hidden: int, kernels: Sequence[int]
    ) -> None:
        super().__init__()
        self.shape = shape
        half = shape[0] // 2
        self.gain = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))
        self.steps = nn.ModuleList(
            Coupling(half, hidden, kernels[step // 2 % len(kernels)]) for step in range(steps)
        )

    def normalised(self, x: Tensor) -> Tensor:
        """Before gain and bias."""
        return functional.layer_norm(x.float(), self.shape)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """z, and the logarithms of the stretches for `log_determinant`."""
        return self.coupled(functional.layer_norm(x.float(), self.shape, self.gain, self.bias))

    def coupled(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """All steps, and nothing before them."""
        groups, stretches = list(x.chunk(GROUPS, 1)), []
        for number, step in enumerate(self.steps):
            changed = changed_groups(number)
            seen = [group for place, group in enumerate(groups) if place not in changed]
            new, stretch = step(torch.cat(seen, 1), torch.cat([groups[i] for i in changed], 1))
            for place, group in zip(changed, new.chunk(len(changed), 1), strict=True):
                groups[place] = group
            stretches.append(stretch)
        return torch.cat(groups, 1), stretches

    def log_determinant(self, stretches: Sequence[Tensor]) -> Tensor:
        """Of the Jacobian from the normalised features to z, per number in z: a scalar.

        The gain counts, so that it cannot win likelihood by shrinking everything to zero.
        """
        gain = self.gain.abs().clamp(min=1e-6).log().mean()
        return gain + torch.stack([stretch.mean() for stretch in stretches]).sum() / 2


def distance(z: Tensor) -> Tensor:
    """(N, C, h, w) to (N, 1, h, w): half the mean square, an energy that is 0.5 where all is good.

    Squares and their sum are FP32's.
    """
    return (z.float() * z.float()).mean(1, keepdim=True) / 2
