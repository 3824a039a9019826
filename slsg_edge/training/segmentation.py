"""Stage 2: tell simulated anomalies from normal pixels (SLSG's train.py).

The encoder is frozen; graph, skips and decoder learn. Nothing is chosen on test images: the
last checkpoint counts.
"""

import torch

from slsg_edge.models.scored import Normalise
from slsg_edge.models.slsg.network import SlsgNetwork
from slsg_edge.training.device import Device
from slsg_edge.training.feed import Batch, PairBatches, batches
from slsg_edge.training.loop import Losses, Phase
from slsg_edge.training.losses import segmentation_loss
from slsg_edge.training.settings import TrainSettings

NAME = "training"


def segmentation_phase(
    network: SlsgNetwork, source: PairBatches, settings: TrainSettings, device: Device
) -> Phase:
    """Trains `network` in place."""
    options = settings.training
    network.encoder.requires_grad_(options.encoder == "trained")
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(
        learned, options.learning_rate, options.momentum, weight_decay=options.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.iterations)
    device.arrange(network.train())
    if options.encoder_batch_norm == "frozen":
        network.encoder.eval()
    normalise = Normalise().to(device.place)

    def step(batch: Batch) -> Losses:
        images, masks = device.move(batch)
        with device.autocast():
            logits, auxiliary = network(normalise(images))
        loss = segmentation_loss(logits, auxiliary, masks, options.loss)
        device.descend(loss, optimiser)
        schedule.step()
        return {"loss": loss.detach()}

    return Phase(
        NAME,
        options.iterations,
        2 * options.batch,
        {"model": network, "optimiser": optimiser, "schedule": schedule, "scaler": device.scaler},
        lambda start: batches(source, start, options.iterations, device.workers),
        step,
    )
