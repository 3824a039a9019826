"""Where training runs, and what differs there: memory layout, mixed precision, worker count."""

import contextlib
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from slsg_edge.config import unknown_name
from slsg_edge.errors import ConfigError
from slsg_edge.training.feed import Batch, default_workers


@dataclass(frozen=True, slots=True)
class Device:
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
        first, second = (part.to(self.place, non_blocking=True) for part in batch)
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


def device_from_name(name: str, workers: int | None) -> Device:
    """`auto`, `cpu`, `cuda`, `cuda:1` or `mps`; ConfigError when torch cannot use it."""
    kind = name.partition(":")[0]
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": _has_mps()}
    if kind == "auto":
        kind = name = next(kind for kind in ("cuda", "mps", "cpu") if present[kind])
    if kind not in present:
        raise unknown_name(name, ("auto", *present), what="device")
    if not present[kind]:
        raise ConfigError(
            f"PyTorch {torch.__version__} sees no {kind} device.",
            fix="Run `slsg-edge doctor`, or give --device cpu.",
        )
    count = default_workers() if workers is None else workers
    if kind != "cuda":
        return Device(torch.device(name), count)
    if torch.cuda.is_bf16_supported():
        return Device(torch.device(name), count, torch.bfloat16)
    scaler = torch.amp.GradScaler("cuda")
    return Device(torch.device(name), count, torch.float16, scaler)


def _has_mps() -> bool:
    return torch.backends.mps.is_available()
