import sys
from pathlib import Path

import pytest
import typer

from slsg_edge import cli
from slsg_edge.cli.sample import sample

FEW = ["--train=2", "--validation=1", "--good=1", "--structural=1", "--logical=1", "--size=64"]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of `slsg-edge sample`."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("sample")(sample)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(sys, "argv", ["slsg-edge", *arguments])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    return int(exit_.value.code or 0)


def test_data_and_film_are_written_and_the_next_command_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, str(tmp_path / "d"), *FEW) == 0
    out = capsys.readouterr().out
    assert f"next: slsg-edge train {tmp_path / 'd'}" in out
    assert len(list((tmp_path / "d").rglob("*.png"))) == 8
    assert (tmp_path / "d" / "film.mp4").stat().st_size > 1000


def test_no_film_is_no_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, str(tmp_path / "d"), *FEW, "--no-film") == 0
    assert not (tmp_path / "d" / "film.mp4").exists()


def test_a_folder_in_use_gives_exit_code_2_and_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert run(monkeypatch, str(tmp_path), *FEW) == 2
    error = capsys.readouterr().err
    assert str(tmp_path) in error
    assert "next:" in error
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_size_that_no_film_can_have_is_refused_before_anything_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(monkeypatch, str(tmp_path / "d"), *FEW[:-1], "--size=65") == 2
    assert not (tmp_path / "d").exists()
