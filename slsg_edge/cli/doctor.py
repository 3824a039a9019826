"""`slsg-edge doctor`: what this machine has, what it lacks, and how to get it."""

from typing import TYPE_CHECKING

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import plain_console, tell

if TYPE_CHECKING:
    from slsg_edge.doctor.check import MachineCheck

_COLOURS = {"ok": "green", "missing": "yellow", "warning": "red"}


def doctor(
    as_json: AsJson = False,
) -> None:
    """Show what this machine has for training and the line, and how to get what is missing.

    Exit code 0 whatever is missing: nobody needs everything.
    """
    import json
    from dataclasses import asdict

    from slsg_edge.doctor.diagnosis import diagnose

    checks = diagnose()
    if as_json:
        tell(json.dumps({"checks": [asdict(check) for check in checks]}))
    else:
        _print(checks)


def _print(checks: "tuple[MachineCheck, ...]") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("what", "state", "found", "how to get it")
    for check in checks:
        state = Text(check.state, style=_COLOURS[check.state])
        table.add_row(check.name, state, check.found, check.how)
    plain_console().print(table)
