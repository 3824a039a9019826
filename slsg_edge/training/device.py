"""Where training runs, and what differs there: memory layout, mixed precision, determinism."""

import contextlib
import os
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from slsg_edge.config import require, unknown_name
from slsg_edge.errors import ConfigError
from slsg_edge.machine.host import within_cores
from slsg_edge.training.feed import Batch, default_workers

AMPERE = 8  # compute capability from which bfloat16 is more than an emulation


@dataclass(frozen=True, slots=True)
class TrainingDevice:
    """Mixed precision is on with CUDA only: bfloat16, or float16 with a scaler before Ampere."""

    place: torch.device
    workers: int
    precision: torch.dtype = torch.float32
    scaler: torch.amp.GradScaler = field(
        default_factory=lambda: torch.amp.GradScaler("cuda", enabled=False)
    )

    def arrange(self, model: nn.Module) -> None:
        """Channels last is what convolutions are fastest with on CPU and CUDA alike."""
        model.to(self.place)
        if self.place.type != "mps":
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def move(self, batch: Batch) -> tuple[Tensor, Tensor]:
        first, second = (part.to(self.place) for part in batch)
        return first, second

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self.precision is torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.place.type, self.precision)

    def descend(self, loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
        """One step of the optimiser against the gradient of `loss`."""
        optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(optimiser)
        self.scaler.update()


def device_from_name(name: str, workers: int | None) -> TrainingDevice:
    """`auto`, `cpu`, `cuda`, `cuda:1` or `mps`; ConfigError when torch cannot use it.

    `workers` None takes what is sensible; more than one for each core are never started.
    With CUDA it also makes PyTorch choose algorithms that give the same result twice.
    """
    require(workers is None or workers >= 0, f"--workers is {workers}.", "Give 0 or more.")
    place = _place(name)
    count = default_workers() if workers is None else within_cores(workers)
    if place.type != "cuda":
        return TrainingDevice(place, count)
    # backward of gathering and of bilinear upsampling adds up in any order otherwise
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    if torch.cuda.get_device_capability(place)[0] >= AMPERE:
        return TrainingDevice(place, count, torch.bfloat16)
    return TrainingDevice(place, count, torch.float16, torch.amp.GradScaler("cuda"))


def _place(name: str) -> torch.device:
    present = {
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
        "cpu": 1,
    }
    if name == "auto":
        name = next(kind for kind, count in present.items() if count)
    kind, _, number = name.partition(":")
    if kind not in present:
        raise unknown_name(name, ("auto", *present), what="device")
    if (number and not number.isdecimal()) or int(number or 0) >= present[kind]:
        raise ConfigError(
            f"PyTorch {torch.__version__} sees no device {name}.",
            fix="Run `slsg-edge doctor`, or give --device cpu.",
        )
    return torch.device(name)
