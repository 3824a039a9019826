"""What `demo` prints; that it keeps its promise is tested beside it."""

import shlex
from collections import Counter
from pathlib import Path

import pytest

from slsg_edge.cli.demo import demo
from slsg_edge.demo import story
from slsg_edge.demo.story import DemoResult, Passed
from slsg_edge.evaluation.evaluate import Evaluation
from slsg_edge.line.records import WatchSummary
from slsg_edge.metrics.intervals import Figure


@pytest.fixture
def finished(monkeypatch):
    figures = {"image_auroc": Figure(0.99, 0.9, 1.0)}
    evaluation = Evaluation((), 0.5, figures, {}, None, ())
    summary = WatchSummary(7, 7, 0, 0, 0, 0, None, None, None)

    def run_demo(folder: Path, *_) -> DemoResult:
        film = (Passed("missing_label", 1, Counter({"good": 7})),)
        return DemoResult(evaluation, film, summary, folder / "report.html", 1.0)

    monkeypatch.setattr(story, "run_demo", run_demo)
    monkeypatch.setattr(story, "second_opinion", lambda *_: None)


def test_the_next_command_can_be_copied_whatever_the_folder_is_called(finished, tmp_path, capsys):
    folder = tmp_path / "[red] a folder whose name goes on and on until a line ends"
    demo(folder)
    shown = capsys.readouterr().out
    (command,) = (line for line in shown.splitlines() if line.startswith("next: "))
    words = shlex.split(command)[1:]
    assert words == ["slsg-edge", "watch", *(str(folder / name) for name in MADE)]
    assert f"Report: {folder / 'report.html'}" in shown
    assert "missing label" in shown


MADE = ("module.slsg", "data/film.mp4")
