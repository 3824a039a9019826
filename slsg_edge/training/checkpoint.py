"""The run folder: checkpoints, the loss history and pictures of a training run.

A checkpoint is replaced atomically and loaded with `weights_only`; what it holds is enough to go
on as if nothing had happened, because batches depend on their number alone.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from slsg_edge.errors import ConfigError
from slsg_edge.storage import write_atomically
from slsg_edge.training.checkpoints import checkpoints_in
from slsg_edge.training.weight_files import DAMAGED_FILE_ERRORS, first_line

_KEYS = {"identity", "iteration", "state", "history"}

History = list[tuple[int, dict[str, float]]]


class Stateful(Protocol):
    """A network, an optimiser or a schedule."""

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state_dict: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class RunFolder:
    """`identity` stands for settings and data: a checkpoint of another run is refused."""

    path: Path
    identity: str

    def checkpoint(self, phase: str) -> Path:
        return self.path / f"{phase}.pt"

    def save(
        self, phase: str, iteration: int, parts: Mapping[str, Stateful], history: History
    ) -> None:
        """After `iteration` iterations; StorageError leaves the earlier checkpoint."""
        buffer = io.BytesIO()
        state = {name: part.state_dict() for name, part in parts.items()}
        torch.save(
            {
                "identity": self.identity,
                "iteration": iteration,
                "state": state,
                "history": history,
            },
            buffer,
        )
        write_atomically(self.checkpoint(phase), buffer.getvalue())

    def restore(self, phase: str, parts: Mapping[str, Stateful]) -> tuple[int, History]:
        """Fills `parts`; the iterations done and their losses, (0, []) without a checkpoint."""
        path = self.checkpoint(phase)
        if not path.exists():
            return 0, []
        saved = _load(path)
        if saved["identity"] != self.identity:
            raise ConfigError(
                f"{path} belongs to a run with other settings, data or weights.",
                fix="Give the options of that run, or delete "
                f"{self.path} to start anew. Without a GPU other defaults hold.",
            )
        if saved["state"].keys() != parts.keys():
            raise ConfigError(
                f"{path} is of another version of slsg-edge, which kept other things.",
                fix=f"Delete {self.path} and start anew without --resume.",
            )
        for name, part in parts.items():
            part.load_state_dict(saved["state"][name])
        return int(saved["iteration"]), list(saved["history"])

    def clear(self, ending: str = "") -> None:
        """Forgets the checkpoints, once their run is in a bundle; of phases that end so alone."""
        for path in checkpoints_in(self.path):
            if path.stem.endswith(ending):
                path.unlink()


def _load(path: Path) -> dict[str, Any]:
    try:
        saved = dict(torch.load(path, map_location="cpu", weights_only=True))
        if saved.keys() != _KEYS:
            raise ValueError("it is no checkpoint of a run")
        return saved
    except (OSError, *DAMAGED_FILE_ERRORS) as error:
        raise ConfigError(
            f"{path} is damaged: {first_line(error)}",
            fix=f"Delete {path.parent} and start anew without --resume.",
        ) from error
