"""`slsg-edge sign`: vouch for a bundle, as who made it or as who lets it go to the lines."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.text import say, tell

if TYPE_CHECKING:
    from slsg_edge.bundle.statement import Role


def sign(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle.")],
    key: Annotated[
        Path, typer.Option("--key", metavar="NAME.key", help="Your key, of `slsg-edge key new`.")
    ],
    role: Annotated[
        str, typer.Option("--role", metavar="ROLE", help="builder or releaser.")
    ] = "builder",
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires", metavar="DATE", help="The last day that it counts, as in 2027-12-31."
        ),
    ] = None,
) -> None:
    """Sign every file of a bundle and what its manifest says; others may sign it, too."""
    import shlex

    from slsg_edge.bundle.keys import PASSWORD, private_key_from
    from slsg_edge.cli.trust_options import end_of, role_named
    from slsg_edge.stages.sign import sign as sign_bundle

    wanted: Role = role_named(role)
    private = private_key_from(key, os.environ.get(PASSWORD))
    done = sign_bundle(bundle, private, wanted, end_of(expires))
    until = f", until {done.statement.expires.date()}" if done.statement.expires else ""
    tell(
        f"{bundle}: signed as {wanted}{until}; {len(done.statement.files)} files, "
        f"release {done.statement.fingerprint[:16]}"
    )
    if done.others:
        say(f"note: {done.others} more signature{'s' * (done.others > 1)} are in it")
    say(
        f"next: on the line PC, once: slsg-edge trust add {shlex.quote(key.stem)}.pub "
        f"--role {wanted}; then: slsg-edge verify {shlex.quote(str(bundle))}"
    )
