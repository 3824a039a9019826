"""SLSG's graph head: each cell of a feature map is a node that looks at all the others.

The dense branch is attention over every node; the sparse branch takes the largest difference to
the nodes most alike (ViG's max-relative convolution, arXiv 2206.00272). Written for export:
one TopK, one Gather, and max(x_j) - x_i in place of max(x_j - x_i).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 16  # pixels a side of the image for each node, in both variants


@dataclass(frozen=True, slots=True)
class GraphSpec:
    """The head's shape. The defaults are the official network's, quirks included.

    similarity_sign: the fixed table R of relative positions is added to the similarity times
    this. -1 makes nodes prefer look-alikes that are far away, as the released weights do; +1
    favours near ones, as ViG means it.
    scaled: divide the attention logits by sqrt(key_channels).
    value_taps: the value convolution runs along the flattened nodes; 3 wraps across rows.
    groups: of the first mixing convolution. The channels of both branches are interleaved
    before it, so that each group sees both; with one group that order means nothing.
    """

    channels: int = 512
    key_channels: int = 256
    grid: tuple[int, int] = (16, 16)
    neighbours: int = 9
    dilation: int = 3
    similarity_sign: float = -1.0
    scaled: bool = False
    value_taps: int = 3
    groups: int = 4


class GraphHead(nn.Module):
    """(N, C, *grid) to the same shape, residual around the whole."""

    positions: Tensor

    def __init__(self, spec: GraphSpec) -> None:
        super().__init__()
        channels = spec.channels
        self.spec = spec
        self.enter = _conv_bn(channels, channels)
        self.key = _conv_bn(channels, spec.key_channels)  # shared by keys and queries
        self.value = nn.Conv1d(channels, channels, spec.value_taps, padding=spec.value_taps // 2)
        self.context = nn.Conv2d(channels, channels, 1)
        self.mix = nn.Sequential(*_conv_bn(2 * channels, 2 * channels, spec.groups), nn.GELU())
        self.leave = _conv_bn(2 * channels, channels)
        table = relative_positions(channels, spec.grid) * spec.similarity_sign
        self.register_buffer("positions", table, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """In FP32 whatever autocast says: near ties would choose other neighbours in 16 bits."""
        device = x.device.type
        if not torch.is_autocast_enabled(device):
            return self._relate(x)
        with torch.autocast(device, enabled=False):
            return self._relate(x.float())

    def _relate(self, x: Tensor) -> Tensor:
        nodes = self.enter(x)
        keys = self.key(nodes).flatten(2)
        dense = nodes + self._attend(nodes, keys)
        sparse = self._compare(nodes, keys)
        both = torch.stack((dense, sparse), 2).flatten(1, 2)
        mixed: Tensor = self.leave(self.mix(both))
        return mixed + x

    def _attend(self, nodes: Tensor, keys: Tensor) -> Tensor:
        """The dense branch: softmax over all nodes, keys and queries being one."""
        logits = keys.transpose(1, 2) @ keys
        if self.spec.scaled:
            logits = logits / math.sqrt(self.spec.key_channels)
        values = self.value(nodes.flatten(2))
        mean: Tensor = values @ torch.softmax(logits, -1).transpose(1, 2)
        context: Tensor = self.context(mean.reshape(nodes.shape))
        return context

    def _compare(self, nodes: Tensor, keys: Tensor) -> Tensor:
        """The sparse branch: the channel-wise largest of x_j - x_i over the neighbours j."""
        batch, channels, height, width = nodes.shape
        count = height * width
        rows = nodes.flatten(2).transpose(1, 2)
        chosen = self.choose_neighbours(keys)
        offsets = torch.arange(batch, device=nodes.device)[:, None, None] * count
        flat = (chosen + offsets).reshape(-1)
        gathered = rows.reshape(-1, channels).index_select(0, flat)
        largest = gathered.reshape(batch, count, self.spec.neighbours, channels).amax(2)
        return (largest - rows).transpose(1, 2).reshape(nodes.shape)

    def choose_neighbours(self, keys: Tensor) -> Tensor:
        """(N, K, nodes) to (N, nodes, neighbours): every dilation-th of the most alike."""
        unit = functional.normalize(keys, dim=1)
        similarity = unit.transpose(1, 2) @ unit + self.positions
        count = self.spec.neighbours * self.spec.dilation
        best = torch.topk(similarity, count, dim=-1).indices
        return best[..., :: self.spec.dilation]


def relative_positions(channels: int, grid: tuple[int, int]) -> Tensor:
    """(nodes, nodes): 2 P Pᵀ / C for 2-D sine-cosine embeddings P; 1 on the diagonal.

    Embedding of Vaswani et al. 2017 per axis, half of the channels for each.
    """
    steps = torch.arange(channels // 4, dtype=torch.float64)
    frequencies = 1 / 10000 ** (steps / (channels / 4))
    y, x = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    angles = [axis.reshape(-1, 1).double() * frequencies for axis in (x, y)]
    embedding = torch.cat([f(angle) for angle in angles for f in (torch.sin, torch.cos)], 1)
    return (2 * embedding @ embedding.T / channels).float()


def _conv_bn(inputs: int, outputs: int, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, groups=groups), nn.BatchNorm2d(outputs))
