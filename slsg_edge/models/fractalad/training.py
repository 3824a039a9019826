"""One phase: the student learns from good images, the head from simulated anomalies.

Neither learns from the other's loss. Nothing is chosen on test images: the last iteration counts.
"""

import torch
from torch import Tensor
from torch.optim.lr_scheduler import ConstantLR

from slsg_edge.models.fractalad.losses import distillation_loss, segmentation_loss
from slsg_edge.models.fractalad.network import FractalNetwork
from slsg_edge.models.fractalad.settings import FractalAdSettings
from slsg_edge.models.scored import Normalise
from slsg_edge.training.descent import Descent, trainable_parameters
from slsg_edge.training.device import TrainingDevice
from slsg_edge.training.feed import PairBatches
from slsg_edge.training.loop import Losses, Phase

FRACTALAD_PHASE = "training"


def training_phase(
    network: FractalNetwork,
    source: PairBatches,
    settings: FractalAdSettings,
    device: TrainingDevice,
) -> Phase:
    """Trains `network` in place."""
    options = settings.training
    decay = options.texture_weight_decay if network.student is None else options.weight_decay
    optimiser = torch.optim.AdamW(
        trainable_parameters(network), options.learning_rate, weight_decay=decay
    )
    schedule = ConstantLR(optimiser, 1.0)
    device.arrange(network.train())
    normalise = Normalise().to(device.place)

    def criterion(images: Tensor, masks: Tensor) -> Losses:
        normal, anomalous = normalise(images).chunk(2)
        with device.autocast():
            with torch.no_grad():  # what the head learns never reaches the student
                seen = network.seen(anomalous)
            logits = network.head(seen)
        segmentation = segmentation_loss(logits, masks.chunk(2)[1])
        if network.student is None or not options.distillation:
            return {"loss": segmentation}
        with device.autocast():
            with torch.no_grad():
                taught = network.teacher(normal)
            known = network.student(normal)
        distillation = options.distillation * distillation_loss(taught, known)
        return {
            "loss": segmentation + distillation,
            "segmentation": segmentation,
            "distillation": distillation,
        }

    descent = Descent(optimiser, schedule, criterion, device)
    return descent.phase(FRACTALAD_PHASE, options.iterations, 2 * options.batch, network, source)
