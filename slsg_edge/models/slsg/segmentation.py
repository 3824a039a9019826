"""Stage 2: tell simulated anomalies from normal pixels (SLSG's train.py).

The encoder is frozen; graph, skips and decoder learn. Nothing is chosen on test images: the
last checkpoint counts.
"""

import torch
from torch import Tensor

from slsg_edge.models.scored import Normalise
from slsg_edge.models.slsg.losses import segmentation_loss
from slsg_edge.models.slsg.network import SlsgNetwork
from slsg_edge.models.slsg.settings import SlsgSettings
from slsg_edge.training.descent import Descent, trainable_parameters
from slsg_edge.training.device import TrainingDevice
from slsg_edge.training.feed import PairBatches
from slsg_edge.training.loop import Losses, Phase

SEGMENTATION_PHASE = "training"


def segmentation_phase(
    network: SlsgNetwork, source: PairBatches, settings: SlsgSettings, device: TrainingDevice
) -> Phase:
    """Trains `network` in place."""
    options = settings.training
    network.encoder.requires_grad_(options.encoder == "trained")
    optimiser = torch.optim.SGD(
        trainable_parameters(network),
        options.learning_rate,
        options.momentum,
        weight_decay=options.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.iterations)
    device.arrange(network.train())
    if options.encoder_batch_norm == "frozen":
        network.encoder.eval()
    normalise = Normalise().to(device.place)

    def criterion(images: Tensor, masks: Tensor) -> Losses:
        with device.autocast():
            logits, auxiliary = network(normalise(images))
        return {"loss": segmentation_loss(logits, auxiliary, masks, options.loss)}

    descent = Descent(optimiser, schedule, criterion, device)
    return descent.phase(SEGMENTATION_PHASE, options.iterations, 2 * options.batch, network, source)
