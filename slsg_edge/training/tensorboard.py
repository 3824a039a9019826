"""Losses to TensorBoard where it is installed; nothing where it is not."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

LossLog: TypeAlias = Callable[[str, int, Mapping[str, float]], None]


def loss_logger(folder: Path) -> LossLog:
    """A function of phase, iteration and losses."""
    if find_spec("tensorboard") is None:
        return lambda phase, iteration, losses: None
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))

    def record(phase: str, iteration: int, losses: Mapping[str, float]) -> None:
        for name, value in losses.items():
            writer.add_scalar(f"{phase}/{name}", value, iteration)
        writer.flush()  # it would keep the last two minutes to itself

    return record
