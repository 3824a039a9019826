"""From pixels to score: what surrounds every detector's network, in training and in the graph.

Colour order, normalisation, map and image score are defined here and nowhere else, so that they
cannot differ between PyTorch, ONNX Runtime and TensorRT. Knows no detector by name.
"""

import torch
from torch import Tensor, nn

from slsg_edge.models.network import Network
from slsg_edge.models.normalisation import IMAGENET_DEVIATION, IMAGENET_MEAN


class Normalise(nn.Module):
    """uint8 (N, H, W, 3) BGR to float32 (N, 3, H, W) RGB, normalised as ImageNet's."""

    scale: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        mean, deviation = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_DEVIATION)
        self.register_buffer("scale", (1 / (255 * deviation))[:, None, None], persistent=False)
        self.register_buffer("shift", (-mean / deviation)[:, None, None], persistent=False)

    def forward(self, frame: Tensor) -> Tensor:
        # TensorRT does nothing to uint8 but cast it, so that comes first.
        rgb = frame.to(self.scale.dtype).permute(0, 3, 1, 2).flip(1)
        return rgb * self.scale + self.shift


class PixelsToScore(nn.Module):
    """`frame` to `anomaly_map` (N, H, W) and `image_score` (N,): the graph that is exported.

    `network` takes normalised pixels and gives anomaly logits (N, 1, H, W) first; where it scores
    images itself, their logits (N, 1) come second.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.network = network

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        logits, *others = self.network(self.normalise(frame))
        anomaly_map = torch.sigmoid(logits[:, 0])
        if self.network.scores_images:
            return anomaly_map, torch.sigmoid(others[0][:, 0])
        return anomaly_map, image_score(anomaly_map, self.network.score_pixels)


def image_score(anomaly_map: Tensor, pixels: int | None) -> Tensor:
    """(N, H, W) to (N,): the mean of so many largest pixels; None is the mean of all."""
    flat = anomaly_map.flatten(1)
    return flat.mean(1) if pixels is None else flat.topk(pixels, dim=1).values.mean(1)
