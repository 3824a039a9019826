"""The README and --help describe the same commands."""

import re
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from slsg_edge.cli import app

COMMANDS = get_command(app).commands  # type: ignore[attr-defined]
README = (Path(__file__).resolve().parent.parent / "README.md").read_text()
TABLE = dict(re.findall(r"^\| `slsg-edge ([a-z-]+)` \| (.+?) \|$", README, re.MULTILINE))


@pytest.mark.parametrize("name", COMMANDS)
def test_command_is_documented_with_its_help(name):
    assert TABLE[name] == COMMANDS[name].help.splitlines()[0]


def test_readme_names_no_command_that_is_not_there():
    assert set(re.findall(r"slsg-edge ([a-z]+(?:-[a-z]+)*)\b", README)) <= set(COMMANDS)


def _options(name: str) -> set[str]:
    """Those of a group are those of what it does by default, too."""
    command = COMMANDS[name]
    commands = [command, *getattr(command, "commands", {}).values()]
    return {text for one in commands for option in one.params for text in option.opts}


def test_readme_uses_options_that_exist():
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for line in re.findall(r"^\$ slsg-edge (.+)$", block, re.MULTILINE):
            name, *words = line.split()
            options = {word for word in words if word.startswith("-")}
            assert options <= _options(name), line


def test_help():
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0
