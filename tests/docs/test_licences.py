"""docs/licences.md says of every package what the package says of itself."""

import pytest

pytest.importorskip("packaging")

from sitegen.licences import ALWAYS, installed, stored

MEND = "Run: PYTHONPATH=docs python -m sitegen.licences"
# What a machine may have more, which the page names below the table.
ELSEWHERE = ("nvidia-", "cuda-", "triton", "exceptiongroup", "colorama", "pywin32")
ON_A_LINE = {ALWAYS, "cpu", "line", "station", "cuda", "tensorrt"}


def test_every_package_is_there_with_its_licence():
    rows = stored()
    here = {name: row for name, row in installed().items() if not name.startswith(ELSEWHERE)}
    assert len(here) > 10
    assert not here.keys() - rows.keys(), MEND
    assert {name: rows[name].licence for name in here} == {
        name: row.licence for name, row in here.items()
    }, MEND


def test_a_line_pc_has_nothing_under_the_gpl():
    for row in stored().values():
        assert "AGPL" not in row.licence
        if ON_A_LINE & {*row.extras}:
            assert "GPL" not in row.licence.replace(" OR LGPL-2.1-or-later", ""), row
            assert row.licence != "not said"


def test_what_needs_it_brings_it():
    rows = stored()
    assert rows["numpy"].extras == (ALWAYS,)
    assert "station" in rows["starlette"].extras
    assert rows["asyncua"].licence == "LGPL-3.0-or-later"
