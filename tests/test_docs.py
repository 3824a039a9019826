"""What the documentation says of the code is what the code says."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from test_architecture import FLOORS

from slsg_edge.bundle.plan import PLAN
from slsg_edge.calibration.operating_points import is_firm
from slsg_edge.calibration.threshold import LOOSEST_RATE, images_needed
from slsg_edge.contracts import Reason
from slsg_edge.line.record_schema import TEXTS
from slsg_edge.line.records import Record
from slsg_edge.line.settings.reference import reference_text
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


def test_the_first_use_takes_the_quickest_detector():
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    first = re.search(r"## First use.*?\$ (slsg-edge train .*?)\n", readme, re.DOTALL)
    assert first is not None
    assert first[1].endswith(f"--detector {QUICKEST_DETECTOR}")


def test_the_readme_says_how_many_photos_are_needed():
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| 1 in (\d+) \|$", readme, re.MULTILINE)
    assert [int(rate) for _, rate in rows] == [20, 50, 100, 300, 1000]
    for photos, rate in rows[1:]:
        fewest = next(count for count in range(5000) if is_firm(1 / int(rate), count))
        assert int(photos) == fewest
    assert int(rows[0][0]) == images_needed(LOOSEST_RATE)


def test_every_reason_of_undecided_is_in_the_table():
    page = (DOCS / "python.md").read_text(encoding="utf-8")
    table = page.partition("| reason | what happened |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(get_args(Reason))


def test_what_a_verdict_holds_is_in_the_table():
    page = (DOCS / "line.md").read_text(encoding="utf-8")
    table = page.partition("<!-- record -->")[2].partition("<!-- /record -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE)
    assert dict(rows) == TEXTS
    assert [name for name, _ in rows] == [f.name for f in fields(Record)]


def test_the_keys_of_line_toml_are_in_its_tables():
    page = (DOCS / "line.md").read_text(encoding="utf-8")
    tables = page.partition("<!-- settings -->\n")[2].partition("<!-- /settings -->")[0]
    assert tables == reference_text()
