"""What the documentation says of the code is what the code says."""

import re
from pathlib import Path

from test_architecture import FLOORS

from slsg_edge.bundle.plan import PLAN

DOCS = Path(__file__).resolve().parent.parent / "docs"
ARCHITECTURE = (DOCS / "architecture.md").read_text(encoding="utf-8")


def plan_rows() -> list[str]:
    """The plan as rows of a table in Markdown."""
    return [
        f"| `{stage.name}` | `{stage.command}` | "
        + "<br>".join(f"`{name}`: {holds}" for name, holds in stage.files.items())
        + f" | {stage.sets} |"
        for stage in PLAN
    ]


def test_the_bundles_table_is_the_plan():
    shown = re.search(r"<!-- plan -->\n(.*)<!-- /plan -->", ARCHITECTURE, re.DOTALL)
    assert shown is not None
    assert shown[1].splitlines() == plan_rows()


def test_the_floors_are_those_that_are_tested():
    shown = re.search(r"```\n(errors <.*?)```", ARCHITECTURE, re.DOTALL)
    assert shown is not None
    rooms = re.split(r"[<|\s]+", shown[1].strip())
    assert rooms == [room for room in FLOORS if room != "__main__"]


def test_every_room_is_in_the_table():
    rooms = re.findall(r"^\| ((?:`\w+` ?)+)\|", ARCHITECTURE, re.MULTILINE)
    named = {name for row in rooms for name in re.findall(r"`(\w+)`", row)}
    assert named >= set(FLOORS) - {"__main__"}
