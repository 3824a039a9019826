"""Gradient descent as the step of a phase: what every detector that has losses does alike."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import Dataset

from slsg_edge.training.checkpoint import Stateful
from slsg_edge.training.device import TrainingDevice
from slsg_edge.training.feed import Batch
from slsg_edge.training.loop import Losses, Phase

Criterion: TypeAlias = Callable[[Tensor, Tensor], Losses]
"""Both halves of a batch, on the device, to losses; the one called `loss` is descended."""


def trainable_parameters(network: nn.Module) -> Iterable[nn.Parameter]:
    """What is not frozen."""
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


class Descent:
    """One optimiser on its schedule: the step of a phase, and what its checkpoint holds."""

    def __init__(
        self,
        optimiser: torch.optim.Optimizer,
        schedule: LRScheduler,
        criterion: Criterion,
        device: TrainingDevice,
    ) -> None:
        self._optimiser, self._schedule = optimiser, schedule
        self._criterion, self._device = criterion, device

    def step(self, batch: Batch) -> Losses:
        losses = self._criterion(*self._device.move(batch))
        self._device.descend(losses["loss"], self._optimiser)
        self._schedule.step()
        return {name: loss.detach() for name, loss in losses.items()}

    def phase(
        self, name: str, iterations: int, images: int, model: nn.Module, source: Dataset[Batch]
    ) -> Phase:
        """That trains `model` on `source`, so many images an iteration."""
        parts: dict[str, Stateful] = {
            "model": model,
            "optimiser": self._optimiser,
            "schedule": self._schedule,
            "scaler": self._device.scaler,
        }
        return Phase(name, iterations, images, parts, source, self.step)
