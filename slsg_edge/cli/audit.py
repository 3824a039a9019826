"""`slsg-edge audit`: the log of changes, checked away from the line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import say, tell

if TYPE_CHECKING:
    from slsg_edge.line.dashboard.audit import Chain

Log = Annotated[
    Path,
    typer.Argument(metavar="FOLDER|FILE", help="The folder of a line or of trust, or its log."),
]

audit_group = typer.Typer(no_args_is_help=True)


@audit_group.callback()
def _describe() -> None:
    """Check the log of who changed what on a line, or take a copy of it."""


@audit_group.command("verify")
def verify(
    path: Log,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="SHA256", help="Of the last line of an earlier copy: it must still be there."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that no line of a log was changed, removed or put in between.

    Exit code 1 where one was. Needs neither the line nor a network. That lines are missing at the
    end shows only against the last line of an earlier copy: --head.
    """
    import json
    from dataclasses import asdict

    chain, log = _chain_of(path, head)
    if as_json:
        tell(json.dumps({"file": str(log), "whole": chain.whole, **asdict(chain)}))
    elif chain.broken is not None:
        tell(f"{log}: line {chain.broken} does not follow from the line before it")
    elif not chain.holds_head:
        tell(f"{log}: {chain.entries} changes, and none of them is the one that was asked for")
    else:
        tell(f"{log}: {chain.entries} changes, each follows from the one before; last {chain.head}")
    if not chain.whole:
        raise typer.Exit(1)


@audit_group.command("export")
def export(
    path: Log,
    output: Annotated[Path, typer.Option("-o", metavar="FILE", help="Where the copy goes.")],
) -> None:
    """Copy a log as it is now, to keep it elsewhere and verify it there. Exit code 1 where its
    chain is broken; the copy is made all the same.
    """
    import shlex

    from slsg_edge.line.dashboard.audit import AuditLog
    from slsg_edge.storage import write_new

    _, log = _chain_of(path, None)
    written = write_new(output, AuditLog(log).content())
    chain, _ = _chain_of(written, None)
    tell(f"{written}: {chain.entries} changes; last {chain.head}")
    say(
        f"next: slsg-edge audit verify {shlex.quote(str(written))} --head {chain.head}"
        if chain.whole
        else f"warning: line {chain.broken} does not follow from the line before it"
    )
    if not chain.whole:
        raise typer.Exit(1)


def _chain_of(path: Path, head: str | None) -> "tuple[Chain, Path]":
    """ConfigError where there is no log."""
    from slsg_edge.bundle.trust_store import AUDIT_FILE
    from slsg_edge.errors import ConfigError
    from slsg_edge.line.dashboard.audit import AuditLog

    log = path / AUDIT_FILE if path.is_dir() else path
    if not log.is_file():
        raise ConfigError(
            f"There is no log of changes at {log}.",
            fix="Give the folder of a line, as in line.toml, or a file that `audit export` wrote.",
        )
    return AuditLog(log).chain(head), log
