"""The page of the documentation names every metric, and what it tells."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "dashboard.md"


def rows(families):
    return [
        f"| `{family.name.removeprefix('slsg_edge_')}{'_total' * (family.type == 'counter')}` "
        f"| {family.documentation} |"
        for family in families
    ]


def test_every_metric_is_on_the_page(line):
    pytest.importorskip("prometheus_client", reason="pip install 'slsg-edge[station]'")
    from slsg_edge.line.dashboard.metrics import LineCollector

    shown = re.search(
        r"<!-- metrics -->\n(.*)<!-- /metrics -->", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert shown is not None
    expected = rows(LineCollector(line, list).collect())
    assert shown[1].splitlines() == ["| metric | what it tells |", "| --- | --- |", *expected]
