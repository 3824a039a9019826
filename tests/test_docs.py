"""What the documentation says of the code is what the code says."""

import re
from pathlib import Path
from typing import get_args

from test_architecture import FLOORS

from slsg_edge.bundle.plan import PLAN
from slsg_edge.contracts import Reason
from slsg_edge.models.names import QUICKEST_DETECTOR
from slsg_edge.models.slsg.settings import FROM_NOISE, ON_A_CPU, SHORT_PRETRAINING

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


def test_what_a_cpu_learns_with_is_what_the_page_says():
    page = (DOCS / "training.md").read_text(encoding="utf-8")
    weights, noise = re.findall(r"^\| (?:weights,|noise) .*\|$", page, re.MULTILINE)
    assert f"{ON_A_CPU.iterations} iterations" in weights
    assert f"{ON_A_CPU.encoder_batch_norm} batch norm" in weights
    assert f"epoch of {SHORT_PRETRAINING.samples_per_epoch} images" in noise
    assert f"{FROM_NOISE.iterations} iterations at {FROM_NOISE.learning_rate}" in noise
    assert (SHORT_PRETRAINING.epochs, FROM_NOISE.encoder) == (1, "trained")


def test_the_first_real_use_is_ready_in_minutes():
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    first = re.search(r"## A real use.*?\$ (slsg-edge train .*?)\n", readme, re.DOTALL)
    assert first is not None
    assert first[1].endswith(f"--detector {QUICKEST_DETECTOR}")


def test_every_reason_of_undecided_is_in_the_table():
    page = (DOCS / "python.md").read_text(encoding="utf-8")
    table = page.partition("| reason | what happened |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(get_args(Reason))
