"""The demo itself: it keeps its promise and its time, and says so when it does not."""

import json
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from slsg_edge.cli import app
from slsg_edge.demo import folder as demo_folder
from slsg_edge.demo import story
from slsg_edge.demo.folder import SECOND, claim, mark, marked
from slsg_edge.demo.sample.dataset import SampleCounts
from slsg_edge.demo.sample.film import FilmSettings
from slsg_edge.demo.story import DemoResult
from slsg_edge.errors import ConfigError
from slsg_edge.evaluation.evaluate import Evaluation
from slsg_edge.line.records import WatchSummary
from slsg_edge.metrics.intervals import Figure
from slsg_edge.models.npad.gathering import StatisticsPhases
from slsg_edge.models.slsg import budget
from slsg_edge.training.checkpoints import unfinished

LINE = {"seed": 0, "train": demo_folder.COUNTS.train, "validation": demo_folder.COUNTS.validation}
FEW, FILM = SampleCounts(12, 8, 2, 3, 5, size=64), FilmSettings(2, 1, size=64)


def _result(image_auroc: float, seconds: float = 1.0, tested: float = 0.0) -> DemoResult:
    figures = {"image_auroc": Figure(image_auroc, 0.9, 1.0)}
    evaluation = Evaluation((), 0.5, figures, {}, None, ())
    summary = WatchSummary(0, 0, 0, 0, 0, 0, None, None, None)
    return DemoResult(evaluation, (), summary, Path("report.html"), seconds, tested)


def _demo(*words: object):
    return CliRunner().invoke(app, ["demo", *map(str, words)])


@pytest.fixture
def second():
    """SLSG's settings, where an image takes 10 ms: 144 s in all."""
    settings = story._second_settings(0)
    assert budget.seconds_of(settings, 0.01) == pytest.approx(144)
    return settings


@pytest.fixture
def paced(monkeypatch):
    monkeypatch.setattr(story, "_pace", lambda _: 0.01)


def test_an_auroc_below_the_promise_is_not_good_enough():
    assert _result(0.98).good_enough
    assert not _result(0.9799).good_enough


def test_a_demo_that_is_not_good_enough_says_so_and_exits_1(monkeypatch, tmp_path):
    monkeypatch.setattr(story, "run_demo", lambda *_: _result(0.9))
    monkeypatch.setattr(story, "second_opinion", lambda *_: None)
    done = _demo(tmp_path)
    assert done.exit_code == 1
    assert "below the 0.98" in done.output


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf"])
def test_a_time_that_is_none_is_refused_before_anything_is_written(tmp_path, minutes):
    done = _demo(tmp_path / "demo", "--minutes", minutes)
    assert isinstance(done.exception, ConfigError)
    assert "no time for a demo" in str(done.exception)
    assert not (tmp_path / "demo").exists()


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="other things"):
        claim(tmp_path, 0)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(("seed", "kept"), [(0, True), (1, False)])
def test_what_was_drawn_and_trained_is_used_again_for_the_same_seed_only(tmp_path, seed, kept):
    folder = tmp_path / "demo"
    claim(folder, 0)
    for name in ("data", "rejects", "module.slsg", "module-slsg.run"):
        (folder / name).mkdir()
    (folder / "data" / "film.json").write_text("{}")
    claim(folder, seed)
    for name in ("data", "module.slsg", "module-slsg.run"):
        assert (folder / name).exists() == kept
    assert not (folder / "rejects").exists()


@pytest.mark.parametrize("found", ['{"seed": 0}', '{"seed": ', "[]"])
def test_what_another_version_drew_is_drawn_anew(tmp_path, found):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "film.json").write_text("{}")
    (tmp_path / "demo.json").write_text(found)
    claim(tmp_path, 0)
    assert not (tmp_path / "data").exists()
    assert marked(tmp_path) == LINE


def test_a_drawing_that_was_interrupted_is_drawn_anew(tmp_path):
    folder = tmp_path / "demo"
    claim(folder, 0)
    (folder / "data").mkdir()
    (folder / "data" / "half.png").write_bytes(b"half")
    claim(folder, 0)
    assert not (folder / "data").exists()


def test_slsg_is_cut_to_the_time_that_is_left(tmp_path, second, paced):
    said: list[str] = []
    first = _result(1.0, seconds=200.0, tested=28.0)  # which leaves half of the 144 s
    cut = story._cut(tmp_path, second, 5.0, first, said.append)
    assert cut is not None
    assert cut.training.iterations == 550
    assert cut.pretraining.samples_per_epoch == 400
    assert "550 of 1100 iterations, about 72 s" in said[-1]
    whole = story._cut(tmp_path, second, 50.0, first, said.append)
    assert whole == second


def test_without_time_for_slsg_it_is_left_out_and_the_minutes_that_it_takes_are_said(
    tmp_path, second, paced
):
    said: list[str] = []
    first = _result(1.0, seconds=290.0, tested=60.0)
    assert story._cut(tmp_path, second, 5.0, first, said.append) is None
    assert "--minutes 9" in said[-1]


def test_a_stopped_slsg_goes_on_as_it_was_cut_whatever_time_is_left_now(tmp_path, second, paced):
    begun = story._cut(tmp_path, second, 5.0, _result(1.0, 228.0), print)
    (tmp_path / "module-slsg.run").mkdir()
    assert story._cut(tmp_path, second, 5.0, _result(1.0, 20.0), print) == begun
    assert (tmp_path / "module-slsg.run").exists()
    assert story._cut(tmp_path, second, 6.0, _result(1.0, 20.0), print) == second
    assert not (tmp_path / "module-slsg.run").exists()


def test_the_machine_is_measured_with_real_steps(second):
    assert story._pace(second) > 0


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(tmp_path, monkeypatch):
    monkeypatch.setattr(demo_folder, "COUNTS", FEW)
    monkeypatch.setattr(story, "_pace", lambda _: 0.01)
    monkeypatch.setattr(demo_folder, "FilmSettings", lambda: FILM)
    small = tmp_path / "small.toml"
    small.write_text(story.JUDGE_SETTINGS.read_text().replace("= 256", "= 64"))
    monkeypatch.setattr(story, "JUDGE_SETTINGS", small)
    learned: list[int] = []
    features = StatisticsPhases.features

    def stopped(self, frames):
        learned.append(len(frames))
        if len(learned) == 1:
            signal.raise_signal(signal.SIGINT)
        return features(self, frames)

    monkeypatch.setattr(StatisticsPhases, "features", stopped)
    folder = tmp_path / "demo"
    done = _demo(folder, "--minutes", 3)
    assert done.exit_code == 130
    assert f"Go on with: slsg-edge demo {folder} --seed 0 --minutes 3" in done.output
    assert unfinished(folder / "module.run")
    before = len(learned)

    def enough(*_, **__):
        raise ConfigError("Trained.", fix="Nothing.")

    monkeypatch.setattr(story, "export_bundle", enough)
    again = _demo(folder, "--minutes", 3)
    assert "Using the line that was drawn before" in again.output
    assert (folder / "module.slsg" / "weights.safetensors").exists()
    assert not unfinished(folder / "module.run")
    # the first of the two batches of statistics was not gathered again
    gathered = -(-FEW.train // 8)
    assert len(learned) - before >= gathered - 1
    assert before == 1


@pytest.mark.slow
def test_the_demo_keeps_its_promise(tmp_path, monkeypatch):
    """N-pad whole; SLSG in a hundredth of its training, as on a machine without time."""
    monkeypatch.setattr(budget, "FEWEST", 5)
    folder = tmp_path / "demo"
    mark(folder, {**LINE, "minutes": 5.0, "share": 0.01})
    done = _demo(folder)
    assert done.exit_code == 0, done.output
    verdicts = [json.loads(line) for line in (folder / "verdicts.jsonl").read_text().splitlines()]
    standings = json.loads((folder / "data" / "film.json").read_text())["standings"]
    assert len(verdicts) == standings[-1]["last"] + 1
    assert not any(verdict["verdict"] == "undecided" for verdict in verdicts)
    for standing in standings:
        seen = verdicts[standing["first"] : standing["last"] + 1]
        found = sum(verdict["verdict"] == "anomalous" for verdict in seen)
        assert found == (len(seen) if standing["defect"] else 0), standing
    page = (folder / "report.html").read_text()
    assert page.count("data:image/jpeg") >= 110
    assert list((folder / "rejects").glob("*.jpg"))
    assert "SLSG after 11 iterations; N-pad judges." in done.output
    assert (folder / SECOND).exists()
