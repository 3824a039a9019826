import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from slsg_edge.contracts import Image
from slsg_edge.demo.sample import film
from slsg_edge.demo.sample.film import FilmSettings, film_frames, film_plan, write_film
from slsg_edge.demo.sample.specimen import DEFECTS
from slsg_edge.errors import ConfigError, StorageError

SETTINGS = FilmSettings(modules=4, frames_each=3, size=128)


def frames_of(path: Path) -> list[Image]:
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (read := capture.read())[0]:
        frames.append(np.asarray(read[1], np.uint8))
    capture.release()
    return frames


def test_opencv_reads_every_frame_that_was_drawn(tmp_path: Path) -> None:
    standings = write_film(tmp_path / "film.mp4", SETTINGS, 0)
    frames = frames_of(tmp_path / "film.mp4")
    assert len(frames) == SETTINGS.total == 12
    for seen, meant in zip(frames, film_frames(standings, SETTINGS, 0), strict=True):
        assert seen.shape == meant.shape
        assert np.abs(seen.astype(int) - meant).mean() < 6


def test_a_module_stands_still_under_a_flickering_lamp_and_then_the_next_comes() -> None:
    frames = [frame.astype(int) for frame in film_frames(film_plan(SETTINGS), SETTINGS, 0)]
    assert not np.array_equal(frames[0], frames[1])
    standing = np.abs(frames[0] - frames[2]).mean()
    assert np.abs(frames[0] - frames[3]).mean() > 2 * standing


def test_the_json_beside_says_what_stands_when(tmp_path: Path) -> None:
    standings = write_film(tmp_path / "line.mp4", SETTINGS, 5)
    record = json.loads((tmp_path / "line.json").read_bytes())
    assert record["seed"] == 5
    assert record["standings"] == [asdict(standing) for standing in standings]
    assert [standing.first for standing in standings] == [0, 3, 6, 9]
    assert [standing.defect for standing in standings] == [None, None, "missing", None]


def test_the_default_film_shows_every_defect_and_mostly_good_modules() -> None:
    defects = [standing.defect for standing in film_plan(FilmSettings())]
    assert {*defects} == {None, *(name for names in DEFECTS.values() for name in names)}
    assert defects.count(None) > len(defects) / 2


def test_the_same_seed_gives_the_same_film(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_film(tmp_path / name, SETTINGS, 1)
    pairs = zip(frames_of(tmp_path / "a.mp4"), frames_of(tmp_path / "b.mp4"), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_a_film_that_opencv_did_not_write_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film, "FILM_CODEC", "none")
    with pytest.raises(StorageError, match="--no-film"):
        write_film(tmp_path / "film.mp4", SETTINGS, 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [{"modules": 0}, {"fps": 0}, {"size": 129}, {"size": 10}])
def test_impossible_films_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        FilmSettings(**wrong)
