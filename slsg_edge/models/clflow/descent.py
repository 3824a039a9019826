"""The phase in which the flows learn: likelihood first, then against simulated anomalies too."""

from typing import Any

import torch
from torch import Tensor, nn

from slsg_edge.models.clflow.boxes import BoxedPairs
from slsg_edge.models.clflow.flow import distance
from slsg_edge.models.clflow.losses import (
    classification_loss,
    contrast_loss,
    likelihood_loss,
)
from slsg_edge.models.clflow.network import ClflowNetwork
from slsg_edge.models.clflow.settings import FlowTraining
from slsg_edge.models.scored import Normalise
from slsg_edge.training.descent import Descent, trainable_parameters
from slsg_edge.training.device import TrainingDevice
from slsg_edge.training.feed import PairBatches
from slsg_edge.training.loop import Losses, Phase

DESCENT_PHASE = "training"
# The classification's threshold is one number far from where it starts: until it has arrived,
# the flows would be bent to make up for it.
BIAS_PACE = 10.0


class Projections(nn.ModuleList):
    """From each z to what is contrasted; left behind when training ends."""

    def __init__(self, network: ClflowNetwork, channels: int) -> None:
        super().__init__(
            nn.Conv2d(flow.shape[0], channels, 1, bias=False) if channels else nn.Identity()
            for flow in network.flows
        )


class ClflowLoss:
    """Images and `BoxedPairs`' targets to losses; `active` says when anomalies take part."""

    def __init__(
        self,
        network: ClflowNetwork,
        projections: Projections,
        options: FlowTraining,
        device: TrainingDevice,
    ) -> None:
        self._network, self._projections = network, projections
        self._loss, self._device = options.loss, device
        self._normalise = Normalise().to(device.place)

    def __call__(self, images: Tensor, targets: Tensor, *, active: bool) -> Losses:
        wanted = active and bool(self._loss.classification or self._loss.contrast)
        half = len(images) // 2
        outputs, likelihood = self._flow(images if wanted else images[:half], half)
        nothing = torch.zeros_like(likelihood)
        losses = {"likelihood": likelihood, "classification": nothing, "contrast": nothing}
        if wanted:
            losses |= self._against_anomalies(outputs, targets, half)
        total = (
            likelihood
            + self._loss.classification * losses["classification"]
            + self._loss.contrast * losses["contrast"]
        )
        return {"loss": total, **losses}

    def _flow(self, images: Tensor, half: int) -> tuple[list[Tensor], Tensor]:
        """z of each scale, and the likelihood loss of the good half.

        Features are FP32 whatever the device prefers: where good images hardly differ, what
        bfloat16 rounds away is the signal. Of the flows, only the convolutions are not FP32.
        """
        with torch.no_grad():
            features = self._network.features(self._normalise(images))
        outputs, likelihoods = [], []
        for flow, part in zip(self._network.flows, features, strict=True):
            with self._device.autocast():
                z, stretches = flow(part)
            outputs.append(z)
            determinant = flow.log_determinant([stretch[:half] for stretch in stretches])
            likelihoods.append(likelihood_loss(z[:half], determinant))
        return outputs, torch.stack(likelihoods).mean()

    def _against_anomalies(self, outputs: list[Tensor], targets: Tensor, half: int) -> Losses:
        losses = {}
        if self._loss.classification:
            logits = self._network.fusion([distance(z) for z in outputs])
            losses["classification"] = classification_loss(
                logits, targets[:, :1], self._loss.smoothing, self._loss.surroundings
            )
        if self._loss.contrast:
            projected = [project(z) for project, z in zip(self._projections, outputs, strict=True)]
            losses["contrast"] = contrast_loss(projected, targets[half:, 1:], self._loss.margin)
        return losses


def descent_phase(
    network: ClflowNetwork,
    projections: Projections,
    pairs: PairBatches,
    options: FlowTraining,
    device: TrainingDevice,
) -> Phase:
    """Trains `network` in place; its backbone stays as it is, statistics included."""
    network.backbone.requires_grad_(False)
    model = nn.ModuleDict({"network": network, "projections": projections})
    device.arrange(model.eval())
    optimiser = _optimiser(model, network.fusion.bias, options)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.iterations)
    losses = ClflowLoss(network, projections, options, device)
    warm = round(options.warm_up * options.iterations)

    def criterion(images: Tensor, targets: Tensor) -> Losses:
        return losses(images, targets, active=schedule.last_epoch >= warm)

    descent = Descent(optimiser, schedule, criterion, device)
    source = BoxedPairs(pairs, network.finest_stride)
    return descent.phase(DESCENT_PHASE, options.iterations, 2 * options.batch, model, source)


def _optimiser(model: nn.Module, bias: nn.Parameter, options: FlowTraining) -> torch.optim.AdamW:
    others = [parameter for parameter in trainable_parameters(model) if parameter is not bias]
    groups: list[dict[str, Any]] = [
        {"params": others},
        {"params": [bias], "lr": BIAS_PACE * options.learning_rate},
    ]
    return torch.optim.AdamW(groups, options.learning_rate, weight_decay=options.weight_decay)
