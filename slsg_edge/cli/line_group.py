"""`slsg-edge line`: what sets up a line of several stations."""

import typer

from slsg_edge.cli.line_check import line_check
from slsg_edge.cli.line_init import line_init
from slsg_edge.cli.line_install import line_install
from slsg_edge.cli.line_simulate import line_simulate

line_group = typer.Typer(no_args_is_help=True)
line_group.command("init")(line_init)
line_group.command("check")(line_check)
line_group.command("install")(line_install)
line_group.command("simulate")(line_simulate)


@line_group.callback()
def _describe() -> None:
    """Set up a line of stations: write line.toml, check it, install it, try it on a desk."""
