"""Stage 1: the encoder learns normal patterns and where they belong (position reasoning).

The paper has a generative pre-training network and says no more of it. Ours: encoder plus a
decoder that sees only the deepest features reconstructs the clean image from one whose cells
were shuffled and masked. Skips would let it copy pixels instead of reasoning about places.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler

from slsg_edge.models.scored import Normalise
from slsg_edge.models.slsg.corruption import CorruptionBatches
from slsg_edge.models.slsg.layers import conv_bn_relu, upsample
from slsg_edge.models.slsg.losses import reconstruction_loss
from slsg_edge.models.slsg.network import SlsgNetwork
from slsg_edge.models.slsg.settings import SlsgSettings
from slsg_edge.training.descent import Descent
from slsg_edge.training.device import TrainingDevice
from slsg_edge.training.loop import Losses, Phase

PRETRAINING_PHASE = "pretraining"
STEPS = 4  # doublings from the deepest features to pixels
SCHEDULES: dict[str, Callable[[Optimizer, int], LRScheduler]] = {
    "cosine": CosineAnnealingLR,
    "constant": lambda optimiser, _: ConstantLR(optimiser, 1.0),
}


class Reconstruction(nn.Module):
    """uint8 (N, H, W, 3) BGR to RGB (N, 3, H, W) in 0 to 1."""

    def __init__(self, encoder: nn.Module, width: int) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.encoder = encoder
        widths = [max(32, width >> step) for step in range(STEPS + 1)]
        self.steps = nn.ModuleList(
            conv_bn_relu(inputs, outputs) for inputs, outputs in pairwise(widths)
        )
        self.out = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, frame: Tensor) -> Tensor:
        x = self.encoder(self.normalise(frame))[-1]
        for step in self.steps:
            x = step(upsample(x, 2, align_corners=False))
        return torch.sigmoid(self.out(x))


def pretraining_phase(
    network: SlsgNetwork, source: CorruptionBatches, settings: SlsgSettings, device: TrainingDevice
) -> Phase:
    """Trains `network.encoder` in place; the decoder is thrown away."""
    options = settings.pretraining
    model = Reconstruction(network.encoder, network.encoder.widths[-1]).to(device.place)
    optimiser = torch.optim.AdamW(
        model.parameters(), options.learning_rate, weight_decay=options.weight_decay
    )
    schedule = SCHEDULES[options.schedule](optimiser, options.iterations)
    device.arrange(model.train())
    if settings.training.encoder_batch_norm == "frozen":
        network.encoder.eval()

    def criterion(corrupted: Tensor, clean: Tensor) -> Losses:
        with device.autocast():
            image = model(corrupted)
        target = clean.permute(0, 3, 1, 2).flip(1).float() / 255
        return {"loss": reconstruction_loss(image, target, options.ssim_weight)}

    descent = Descent(optimiser, schedule, criterion, device)
    return descent.phase(PRETRAINING_PHASE, options.iterations, options.batch, model, source)
