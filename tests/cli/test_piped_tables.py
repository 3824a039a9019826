"""A table that goes to a file or a pipe is cut nowhere, so that its names can be searched for."""

import sys

import pytest
from rich.table import Table

from slsg_edge.cli.text import plain_console

NAME = "a_kind_of_defect_" * 9


def shown() -> None:
    table = Table("kind", "found")
    table.add_row(NAME, "3 of 4")
    plain_console().print(table)


@pytest.mark.parametrize("term", ["xterm", "dumb", ""])
def test_no_name_is_cut_in_a_pipe(term, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes a pipe for a terminal
    shown()
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "3 of 4" in line]
    assert NAME in row


def test_whoever_gives_a_width_gets_it(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    shown()
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60


def test_a_terminal_keeps_its_own_width(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert plain_console().width < 1000
