"""`--version`, and completion of commands and options in the shell."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import slsg_edge
from slsg_edge.cli import app


def test_the_version_is_the_packages():
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"slsg-edge {slsg_edge.__version__}\n")


def test_the_help_without_a_command_is_that_of_the_program():
    said = CliRunner().invoke(app, ["--help"]).output
    assert "Good images in, a trusted anomaly detector on a line PC out." in said
    assert "without a command" not in said


@pytest.fixture
def shell(tmp_path):
    """Runs `slsg-edge` with a home folder of its own, where completion may be installed.

    The shell is the one that is named, not the one that runs the tests.
    """
    by_name = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}

    def run(*words, **variables):
        environment = {**os.environ, **by_name, **variables}
        command = [sys.executable, "-m", "slsg_edge", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    return run


def test_completion_installs_itself_for_the_shell(shell, tmp_path):
    assert "completion installed" in shell("--install-completion", "bash")
    script = (tmp_path / ".bash_completions" / "slsg-edge.sh").read_text()
    assert "_SLSG_EDGE_COMPLETE=complete_bash" in script
    assert script.rstrip().endswith("slsg-edge")
    assert "slsg-edge.sh" in (tmp_path / ".bashrc").read_text()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("slsg-edge calib", {"calibrate"}),
        ("slsg-edge watch --re", {"--rejects", "--record", "--record-to"}),
    ],
)
def test_commands_and_options_are_completed(shell, typed, offered):
    last = str(len(typed.split()) - 1)
    said = shell(_SLSG_EDGE_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=last)
    assert set(said.split()) == offered
