"""Where the checkpoints of a run lie; loads none, so that asking needs no PyTorch."""

from pathlib import Path


def checkpoints_in(folder: Path) -> list[Path]:
    """Those in a run folder."""
    return list(folder.glob("*.pt"))


def unfinished(folder: Path) -> bool:
    """Whether a run was stopped here: one that came to its end leaves no checkpoint."""
    return bool(checkpoints_in(folder))
