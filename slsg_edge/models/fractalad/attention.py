"""Where teacher and student differ, as weights on what the student sees; no parameters."""

import torch
from torch import Tensor, nn

# Of a product of squared lengths: where one side is all zero, the cosine is 0.
EPSILON = 1e-12


def cosine(taught: Tensor, learned: Tensor) -> Tensor:
    """Cosine of two (N, C, H, W) over channels: FP32 (N, 1, H, W).

    A product with rsqrt, as engines know it; FP16 would overflow in sums of squares.
    """
    taught, learned = taught.float(), learned.float()
    products = (taught * learned).sum(1, keepdim=True)
    squares = taught.square().sum(1, keepdim=True) * learned.square().sum(1, keepdim=True)
    return products * torch.rsqrt(squares.clamp(min=EPSILON))


class CosineAttention(nn.Module):
    """The student's features times (1 - cosine) / 2: nearly nothing where it knows its teacher."""

    def forward(self, taught: Tensor, learned: Tensor) -> Tensor:
        difference: Tensor = (1 - cosine(taught, learned)) / 2
        return difference * learned.float()
