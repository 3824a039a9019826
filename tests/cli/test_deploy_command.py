"""`slsg-edge deploy` as a user has it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from deploys import Here, spoiled, state_of, variant
from lines import line_file, running, station, until
from typer.testing import CliRunner

from slsg_edge import cli
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.region import fingerprint_of
from slsg_edge.errors import SlsgError
from slsg_edge.line.deploy import staging
from slsg_edge.line.deploy.active import bundle_of
from slsg_edge.line.deploy.staging import require_whole
from slsg_edge.line.settings.reading import read_line

KILLS = 5


@pytest.fixture
def path(toy_bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return line_file(tmp_path, station("a", toy_bundle))


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(staging, "Apart", Here)


def run(*words) -> tuple[int, str]:
    done = CliRunner().invoke(cli.app, ["deploy", *map(str, words)])
    if isinstance(done.exception, SlsgError):
        return 2, str(done.exception)
    return done.exit_code, done.output


def test_to_a_line_that_does_not_run_it_begins_with_it_and_goes_back(path, here, toy_bundle):
    other = variant(toy_bundle, "other")
    code, said = run(other)
    fingerprint = fingerprint_of(open_bundle(other))
    assert (code, f"a: {fingerprint} is active" in said) == (0, True), said
    assert "the line does not run" in said
    assert "nothing was changed" in run(other, "a")[1]
    assert fingerprint in run("--status")[1]
    assert json.loads(run("--status", "--json")[1])["a"]["probation"]["frames"] == 100
    assert "the bundle of line.toml" in run("--roll-back", "a")[1]
    code, said = run("--roll-back", "a")
    assert (code, "no bundle to go back to" in said) == (2, True)


def test_with_wait_the_exit_code_says_how_it_ended(path, here, toy_bundle):
    with running(path):
        until(lambda: (path.parent / "line-data" / "outbox.lock").exists())
        code, said = run(variant(toy_bundle, "wide", 0.99), "--wait", "--frames", 3)
        assert (code, "was kept" in said) == (0, True), said
        code, said = run(variant(toy_bundle, "strict", 1e-6), "--wait", "--frames", 3)
        assert (code, "was rolled back" in said) == (1, True), said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no bundle to deploy"),
        (("made.slsg", "b"), "No station is called 'b'"),
        (("made.slsg", "a", "b"), "is too much"),
        (("none.slsg",), "There is no none.slsg"),
        (("made.slsg", "--to", "none.toml"), "none.toml"),
        (("made.slsg", "--shadow", "soon"), "--shadow is 'soon'"),
        (("made.slsg", "--shadow", "0h"), "--shadow is '0h'"),
        (("made.slsg", "--hold"), "--hold is of a shadow"),
        (("made.slsg", "--reject-rate", "0.5-0.1"), "--reject-rate"),
        (("made.slsg", "--wait"), "does not run"),
        (("--roll-back",), "Nothing is deployed to a"),
        (("--switch",), "Nothing is deployed to a"),
        (("--switch", "--status"), "exclude each other"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(words, said, path, here):
    code, answer = run(*words)
    assert (code, said in answer) == (2, True), answer


def damaged(bundle: Path) -> Path:
    (bundle / "model.onnx").write_bytes(b"no graph")
    return bundle


def linked(bundle: Path) -> Path:
    (bundle / "more").symlink_to("/etc")
    return bundle


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "said"),
    [(damaged, "model.onnx is not the file"), (linked, "holds more"), (spoiled, "no threshold")],
)
def test_a_bundle_that_is_not_fit_is_refused_and_nothing_is_left(harm, said, path, toy_bundle):
    code, answer = run(harm(variant(toy_bundle, "other")))
    assert (code, said in answer) == (2, True), answer
    line = read_line(path)
    assert bundle_of(line.station[0], line.folder) == toy_bundle
    names = {each.name for each in (line.folder / "bundles" / "a").iterdir()}
    assert names == {"deploy.json", "staging"}
    assert "was refused" in (line.folder / "audit.jsonl").read_text()


@pytest.mark.slow
def test_killed_at_any_moment_the_next_one_works(path, toy_bundle):
    """kill -9 of the command itself, at moments all over its run."""
    line, generator = read_line(path), random.Random(5)
    bundles = [variant(toy_bundle, f"v{n}", 0.5 + n / 100) for n in range(KILLS)]
    known = {(each / "manifest.json").read_bytes() for each in (*bundles, toy_bundle)}
    seconds = duration(variant(toy_bundle, "first", 0.4))
    known.add((bundle_of(line.station[0], line.folder) / "manifest.json").read_bytes())
    for bundle in bundles:
        process = subprocess.Popen([*COMMAND, str(bundle)], stderr=subprocess.DEVNULL)
        time.sleep(generator.uniform(0, seconds))
        process.kill()
        process.wait()
        active = bundle_of(line.station[0], line.folder)
        require_whole(open_bundle(active))
        assert (active / "manifest.json").read_bytes() in known
    subprocess.run([*COMMAND, str(variant(toy_bundle, "last", 0.3))], check=True)
    assert state_of(line).previous == ("",)


COMMAND = [sys.executable, "-m", "slsg_edge", "deploy"]


def duration(bundle: Path) -> float:
    started = time.monotonic()
    subprocess.run([*COMMAND, str(bundle)], check=True)
    return time.monotonic() - started


@pytest.mark.slow
def test_a_line_that_is_killed_in_its_probation_begins_with_a_whole_bundle(path, toy_bundle):
    line = read_line(path)
    subprocess.run([*COMMAND, str(variant(toy_bundle, "other", 0.9))], check=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "slsg_edge", "watch", str(path)], stderr=subprocess.DEVNULL
    )
    until(lambda: state_of(line).probation.starts)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    require_whole(open_bundle(bundle_of(line.station[0], line.folder)))
