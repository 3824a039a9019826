"""`slsg-edge doctor`: what this machine can do, what it lacks, and how to get it."""

from typing import TYPE_CHECKING

from slsg_edge.cli.options import AsJson, Verbose
from slsg_edge.cli.text import plain_console, shortened, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from slsg_edge.doctor.abilities import Ability
    from slsg_edge.doctor.check import MachineCheck

_COLOURS = {"ok": "green", "missing": "yellow", "warning": "red"}


def doctor(
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Show what this machine can do, on the line and for training, and how to get what is missing.

    Exit code 0 whatever is missing: nobody needs everything.
    """
    import json
    from dataclasses import asdict

    from slsg_edge.doctor.abilities import abilities_of
    from slsg_edge.doctor.diagnosis import diagnose

    checks = diagnose()
    abilities = abilities_of(checks)
    if as_json:
        found = [asdict(check) for check in checks]
        tell(json.dumps({"checks": found, "abilities": [asdict(each) for each in abilities]}))
        return
    console = plain_console()
    _print_abilities(console, abilities)
    if verbose:
        _print_checks(console, checks)
    else:
        _print_warnings(console, checks)
    console.print(f"next: {_next(abilities)}", soft_wrap=True)


def _print_abilities(console: "Console", abilities: "Sequence[Ability]") -> None:
    from rich.text import Text

    for ability in abilities:
        word = ("can", "green") if ability.can else ("cannot", "yellow")
        reason = shortened(ability.found, 110)
        console.print(
            Text.assemble("This machine ", word, f" {ability.what}: {reason}"), soft_wrap=True
        )
    hows = dict.fromkeys(how for ability in abilities for how in ability.how if how)
    for how in hows:
        console.print(f"  to get there: {how}", soft_wrap=True)


def _print_warnings(console: "Console", checks: "Sequence[MachineCheck]") -> None:
    from slsg_edge.doctor.abilities import others_of

    for check in others_of(checks):
        console.print(f"warning: {check.name}: {check.found}. {check.how}", soft_wrap=True)
    console.print("-v shows everything that was looked for.")


def _print_checks(console: "Console", checks: "Sequence[MachineCheck]") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("what", "state", "found", "how to get it")
    for check in checks:
        state = Text(check.state, style=_COLOURS[check.state])
        table.add_row(check.name, state, check.found, check.how)
    console.print(table)


def _next(abilities: "Sequence[Ability]") -> str:
    can = {ability.what for ability in abilities if ability.can}
    if "train and export" in can:
        return "slsg-edge demo, or slsg-edge start DIR with your photos"
    if any(what.startswith("watch") for what in can):
        return "slsg-edge watch BUNDLE SOURCE"
    return "install what is missing above"
