"""What goes in must not be where something is written: the next reading would take it for input."""

from pathlib import Path

from slsg_edge.data.listing import contains
from slsg_edge.data.names import printable
from slsg_edge.errors import ConfigError


def require_outside(folder: Path, option: str, target: Path) -> None:
    """ConfigError where `target` lies in `folder`, also through links; not for a list."""
    if folder.is_dir() and contains(folder, target):
        raise ConfigError(
            f"{option} {printable(target)} lies in {printable(folder)}: "
            "images are read from there, and what is written there would be read, too.",
            fix=f"Give {option} a place outside of that folder.",
        )
