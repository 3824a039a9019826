"""`slsg-edge import-slsg`: a checkpoint of SLSG's official code becomes a bundle."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from slsg_edge.bundle.commands import recorded_words
from slsg_edge.cli.text import tell


def import_slsg(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="OFFICIAL.tch", help="As the official train.py writes it.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="BUNDLE", help="The bundle to write.")
    ],
) -> None:
    """Read a checkpoint of the official SLSG code into a bundle."""
    from slsg_edge.stages.import_slsg import import_official

    words = ["slsg-edge", "import-slsg", str(checkpoint), "-o", str(output)]
    command = recorded_words(words, str(output))
    import_official(checkpoint, output, command=command)
    tell(f"{output}: SLSG paper at 256x256")
    tell(f"next: {shlex.join(['slsg-edge', 'export', str(output)])} --images DIR")
