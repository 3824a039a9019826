"""The toy bundle as an object, for commands that are called as functions; and whole commands."""

import sys
from pathlib import Path

import pytest

from slsg_edge import cli
from slsg_edge.bundle import Bundle, open_bundle


@pytest.fixture
def opened(toy_bundle: Path) -> Bundle:
    return open_bundle(toy_bundle)


@pytest.fixture
def run(monkeypatch, capsys):
    """The exit code and standard error of a command."""

    def command(*words) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["slsg-edge", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return stopped.value.code or 0, capsys.readouterr().err

    return command
