"""A training as a test runs it."""

from pathlib import Path
from typing import Any

from slsg_edge.stages.train import train
from slsg_edge.training.settings import Resources, TrainSettings


def run_training(
    folder: Path, name: str, settings: TrainSettings, resources: Resources, **options: Any
) -> tuple[bytes, list[str]]:
    """The weights that came of it, and what it said."""
    said: list[str] = []
    train(
        folder,
        folder.parent / name,
        settings,
        resources,
        command="slsg-edge train",
        notify=said.append,
        **options,
    )
    return (folder.parent / name / "weights.safetensors").read_bytes(), said
