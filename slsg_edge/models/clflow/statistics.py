"""What is counted rather than learned: how features spread before, how good images score after.

Each is a phase without losses, over the good half of the batches.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from slsg_edge.models.clflow.flow import Flow
from slsg_edge.models.clflow.network import ClflowNetwork, Fusion
from slsg_edge.models.scored import Normalise, image_score
from slsg_edge.training.checkpoint import Stateful
from slsg_edge.training.device import TrainingDevice
from slsg_edge.training.feed import Batch, PairBatches
from slsg_edge.training.loop import Losses, Phase

# Of a variance after layer norm, whose whole is 1: channels that good images hardly use must not
# outweigh the rest.
FLOOR = 0.01
# Where good images come to lie: their mean logit, and the spread of theirs. The tail of a
# threshold is modelled on logits, and images that were not learned from score a little higher.
GOOD_LOGIT = -3.0
GOOD_SPREAD = 0.5
# A thousand times the distance of a good image may not come closer to 1 than FP32 can tell apart.
LARGEST_LOGIT = 12.0
LARGEST_RATIO = 1000.0


class FeatureMoments(nn.Module):
    """Running sums of one flow's normalised features, by channel and place."""

    total: Tensor
    squares: Tensor
    count: Tensor

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(shape))
        self.register_buffer("squares", torch.zeros(shape))
        self.register_buffer("count", torch.zeros(()))

    def add(self, features: Tensor) -> None:
        self.total += features.sum(0)
        self.squares += (features * features).sum(0)
        self.count += len(features)

    def normalise(self, flow: Flow) -> None:
        """Gain and bias that whiten each channel and place, half of a variance the channel's own.

        At one place there are only as many numbers as images; a channel has them everywhere.
        """
        mean = self.total / self.count
        variance = (self.squares / self.count - mean * mean).clamp(min=0)
        shared = (variance + variance.mean((1, 2), keepdim=True)) / 2
        gain = (shared + FLOOR).rsqrt()
        with torch.no_grad():
            flow.gain.copy_(gain)
            flow.bias.copy_(-mean * gain)


class ScoreMoments(nn.Module):
    """Running sums of good images' scores, before calibration."""

    sums: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("sums", torch.zeros(3))  # their number, sum, sum of squares

    def add(self, scores: Tensor) -> None:
        self.sums += torch.stack(
            (torch.ones_like(scores).sum(), scores.sum(), (scores * scores).sum())
        )

    def calibrate(self, fusion: Fusion) -> None:
        """Slope and offset that put good images around sigmoid(GOOD_LOGIT)."""
        count, total, squares = self.sums.tolist()
        mean = total / count
        deviation = max(squares / count - mean * mean, 0.0) ** 0.5
        reach = fusion.weights().sum().item() * torch.tensor(LARGEST_RATIO).log().item()
        steepest = (LARGEST_LOGIT - GOOD_LOGIT) / reach
        slope = min(GOOD_SPREAD / max(deviation, 1e-6), steepest)
        fusion.slope.fill_(slope)
        fusion.offset.fill_(GOOD_LOGIT - slope * mean)


def spread_phase(
    network: ClflowNetwork,
    spreads: Sequence[FeatureMoments],
    source: PairBatches,
    device: TrainingDevice,
) -> Phase:
    """Fills `spreads`, one of each flow."""
    normalise = Normalise().to(device.place)
    sums = nn.ModuleList(spreads).to(device.place)

    def add(images: Tensor) -> None:
        features = network.features(normalise(images))
        for spread, flow, part in zip(spreads, network.flows, features, strict=True):
            spread.add(flow.normalised(part))

    return _counting("spread", network, {"sums": sums}, source, device, add)


def score_phase(
    network: ClflowNetwork, scores: ScoreMoments, source: PairBatches, device: TrainingDevice
) -> Phase:
    """Fills `scores` and calibrates the network's logit by them."""
    normalise = Normalise().to(device.place)
    scores.to(device.place)

    def add(images: Tensor) -> None:
        logits = network.logits(normalise(images))
        scores.add(image_score(logits[:, 0], network.score_pixels))
        scores.calibrate(network.fusion)  # by the last batch, that of them all

    parts: dict[str, Stateful] = {"sums": scores, "fusion": network.fusion}
    return _counting("scores", network, parts, source, device, add)


def _counting(
    name: str,
    network: ClflowNetwork,
    parts: Mapping[str, Stateful],
    source: PairBatches,
    device: TrainingDevice,
    add: Callable[[Tensor], None],
) -> Phase:
    """Once over all good images."""
    device.arrange(network.eval())

    def step(batch: Batch) -> Losses:
        images, _ = device.move(batch)
        with torch.no_grad():
            add(images[: len(images) // 2])
        return {}

    order = source.order
    return Phase(name, -(-order.images // order.batch), 2 * order.batch, parts, source, step)
