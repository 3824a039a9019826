"""Closed and full standard streams: a sentence and exit code 2, or nothing is amiss; no traceback.

Each is a process of its own with streams as a shell gives them.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.cli import streams
from slsg_edge.cli.streams import _Stderr
from slsg_edge.cli.text import without_controls

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


def shell(words, redirection):
    """Exit code, stdout and stderr of the command with a redirection of `sh`."""
    line = f'exec "$@" {redirection}'
    command = ["sh", "-c", line, "sh", sys.executable, "-m", "slsg_edge", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


@needs_full
def test_what_was_committed_stays_where_stdout_is_full(toy_bundle):
    words = ["calibrate", toy_bundle, "--threshold", "0.6"]
    code, _, err = shell(words, "> /dev/full")
    assert code == 2
    assert err.startswith("error: Cannot write to standard output: No space left on device.\n")
    assert "Files that the command wrote are whole and stay" in err
    assert "Traceback" not in err
    assert open_bundle(toy_bundle).manifest.threshold.value == 0.6


@needs_full
def test_a_full_stdout_and_a_closed_stderr_end_silently(toy_bundle):
    assert shell(["info", toy_bundle, "--json"], "> /dev/full 2>&-") == (2, "", "")


@pytest.mark.parametrize("redirection", ["<&- >&- 2>&-", "2>/dev/full >&-"])
def test_closed_streams_lead_nowhere(toy_bundle, redirection):
    assert shell(["info", toy_bundle], redirection) == (0, "", "")


def test_a_watch_with_a_closed_stderr_gives_all_verdicts(toy_bundle, images):
    code, out, err = shell(["watch", toy_bundle, images], "2>&-")
    assert (code, len(out.splitlines()), err) == (0, 4, "")


def test_a_watch_whose_verdicts_nobody_would_get_is_refused(toy_bundle, images, tmp_path):
    code, _, err = shell(["watch", toy_bundle, images], ">&-")
    assert code == 2
    assert err.startswith("error: Standard output is closed, so nobody would get the verdicts.")
    output = tmp_path / "v.jsonl"
    code, _, err = shell(["watch", toy_bundle, images, "--output", output], ">&-")
    assert code == 0
    assert len(output.read_text().splitlines()) == 4


def test_a_full_stderr_pipe_drops_texts_and_holds_up_nothing(monkeypatch):
    monkeypatch.setattr(streams, "_PATIENCE", 0.05)
    out, into = os.pipe()
    stream = _Stderr(into, "w")
    for _ in range(100):
        assert stream.write(b"x" * 2000) == 2000
    assert len(os.read(out, 10**6)) <= 65_536
    assert stream.write(b"again") == 5  # there is room now
    assert os.read(out, 10**6).endswith(b"again")
    os.close(out)
    assert stream.write(b"nobody reads") == 12
    stream.close()


def test_a_text_for_people_commands_no_terminal():
    assert without_controls("a\x1b[31m\x07b\ud800é☃\n") == "a\\x1b[31m\\x07b\\ud800é☃\n"


def test_a_name_of_5000_characters_is_a_sentence(run, toy_bundle):
    for words in (
        ("info", "x" * 5000),
        ("watch", toy_bundle, "x" * 5000),
        ("watch", toy_bundle, ".", "--output", "x" * 5000),
        ("data", "x" * 5000),
    ):
        code, err = run(*words)
        assert code == 2
        assert "error: " in err
        assert "Traceback" not in err
        assert len(err) < 9000
