"""The documentation and --help describe the same commands."""

import re
from pathlib import Path

import pytest
from doc_blocks import blocks, words_of
from typer.main import get_command
from typer.testing import CliRunner

from slsg_edge.cli import app

COMMANDS = get_command(app).commands  # type: ignore[attr-defined]
ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
LONGEST_README = 120  # lines: what is longer is not read
TABLE = dict(
    re.findall(
        r"^\| `slsg-edge ([a-z-]+)` \| (.+?) \|$",
        (ROOT / "docs" / "commands.md").read_text(),
        re.MULTILINE,
    )
)


@pytest.mark.parametrize("name", COMMANDS)
def test_command_is_documented_with_its_help(name):
    assert TABLE[name] == COMMANDS[name].help.splitlines()[0]


def test_the_readme_is_short():
    assert len(README.read_text().splitlines()) <= LONGEST_README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_no_command_that_is_not_there(page):
    named = re.findall(r"`slsg-edge ([a-z]+(?:-[a-z]+)*)\b", page.read_text())
    assert set(named) <= set(COMMANDS)


def _options(name: str) -> set[str]:
    """Those of a group are those of what it does by default, too."""
    command = COMMANDS[name]
    commands = [command, *getattr(command, "commands", {}).values()]
    params = [option for one in commands for option in one.params]
    return {text for option in params for text in (*option.opts, *option.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_uses_commands_and_options_that_exist(page):
    for block in blocks(page):
        for line in block.commands:
            if re.match("slsg-edge [a-z]", line):
                name, *words = words_of(line)
                options = {word for word in words if word.startswith("-")}
                assert options <= _options(name), line


def test_help():
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0
