"""`slsg-edge key`: the keys that sign bundles."""

import os
from pathlib import Path
from typing import Annotated

import typer

from slsg_edge.cli.text import say, tell

key_group = typer.Typer(no_args_is_help=True)


@key_group.callback()
def _describe() -> None:
    """Make a key that signs bundles."""


@key_group.command("new")
def new(
    path: Annotated[Path, typer.Argument(metavar="NAME.key", help="Where the private key goes.")],
) -> None:
    """Make a private key for yourself and, beside it, NAME.pub for the machines that trust you.

    A password in SLSG_EDGE_KEY_PASSWORD encrypts the private key. Nothing is overwritten.
    """
    import shlex

    from slsg_edge.bundle.keys import PASSWORD, PUBLIC_SUFFIX, new_key

    public = new_key(path, os.environ.get(PASSWORD))
    tell(f"{path}: private, for you alone; whoever has it signs in your name")
    tell(f"{path.with_suffix(PUBLIC_SUFFIX)}: public, id {public.id}")
    if not os.environ.get(PASSWORD):
        say(f"note: it is not encrypted; set {PASSWORD} and make another one to have that")
    say(f"next: slsg-edge sign BUNDLE --key {shlex.quote(str(path))}")


@key_group.command("show")
def show(
    path: Annotated[Path, typer.Argument(metavar="NAME.pub", help="A public key.")],
) -> None:
    """Print the id of a public key, to compare it on the phone before it is trusted."""
    from slsg_edge.bundle.keys import public_key_from

    tell(public_key_from(path).id)
