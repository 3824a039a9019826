"""The demo itself: it keeps its promise, and says so when it does not."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from slsg_edge import demo
from slsg_edge.cli import app
from slsg_edge.demo import DemoResult, _claim
from slsg_edge.errors import ConfigError
from slsg_edge.evaluation.evaluate import Evaluation
from slsg_edge.line.records import WatchSummary
from slsg_edge.metrics.intervals import Figure


def _result(image_auroc: float) -> DemoResult:
    figures = {"image_auroc": Figure(image_auroc, 0.9, 1.0)}
    evaluation = Evaluation((), 0.5, figures, {}, None, ())
    summary = WatchSummary(0, 0, 0, 0, 0, 0, None, None, None)
    return DemoResult(evaluation, (), summary, Path("report.html"), 1.0)


def test_an_auroc_below_the_promise_is_not_good_enough():
    assert _result(0.95).good_enough
    assert not _result(0.9499).good_enough


def test_a_demo_that_is_not_good_enough_says_so_and_exits_1(monkeypatch, tmp_path):
    monkeypatch.setattr("slsg_edge.demo.run_demo", lambda *_: _result(0.9))
    done = CliRunner().invoke(app, ["demo", str(tmp_path)])
    assert done.exit_code == 1
    assert "below the 0.95" in done.output


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="other things"):
        _claim(tmp_path, 0)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(("seed", "kept"), [(0, True), (1, False)])
def test_what_was_drawn_is_used_again_for_the_same_seed_only(tmp_path, seed, kept):
    folder = tmp_path / "demo"
    _claim(folder, 0)
    (folder / "data").mkdir()
    (folder / "data" / "film.json").write_text("{}")
    (folder / "rejects").mkdir()
    _claim(folder, seed)
    assert (folder / "data").exists() == kept
    assert not (folder / "rejects").exists()


def test_a_drawing_that_was_interrupted_is_drawn_anew(tmp_path):
    folder = tmp_path / "demo"
    _claim(folder, 0)
    (folder / "data").mkdir()
    (folder / "data" / "half.png").write_bytes(b"half")
    _claim(folder, 0)
    assert not (folder / "data").exists()


@pytest.mark.slow
def test_the_demo_keeps_its_promise(tmp_path, monkeypatch):
    """After a part of its training already."""
    settings = demo.SETTINGS.read_text()
    for whole, part in (("samples_per_epoch = 800", "samples_per_epoch = 400"),
                        ("iterations = 1100", "iterations = 550")):  # fmt: skip
        assert whole in settings
        settings = settings.replace(whole, part)
    shorter = tmp_path / "module.toml"
    shorter.write_text(settings)
    monkeypatch.setattr(demo, "SETTINGS", shorter)
    folder = tmp_path / "demo"
    done = CliRunner().invoke(app, ["demo", str(folder)])
    assert done.exit_code == 0, done.output
    verdicts = [json.loads(line) for line in (folder / "verdicts.jsonl").read_text().splitlines()]
    standings = json.loads((folder / "data" / "film.json").read_text())["standings"]
    assert len(verdicts) == standings[-1]["last"] + 1
    assert not any(verdict["verdict"] == "undecided" for verdict in verdicts)
    page = (folder / "report.html").read_text()
    assert page.count("data:image/jpeg") >= 110
    assert list((folder / "rejects").glob("*.jpg"))
