"""What several processes of the tests share is made by one, and seen only when it is whole."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from made_once import made_once


def test_of_two_that_want_it_at_once_one_makes_it_and_both_see_it_whole(tmp_path: Path) -> None:
    made = []

    def make(path: Path) -> None:
        made.append(path)
        path.mkdir()
        (path / "first").touch()
        time.sleep(0.3)
        (path / "last").touch()

    def want(_: int) -> list[str]:
        found = made_once(tmp_path / "shared" / "thing", make)
        return sorted(entry.name for entry in found.iterdir())

    with ThreadPoolExecutor(2) as both:  # the lock is that of an open file, so threads will do
        assert list(both.map(want, range(2))) == [["first", "last"]] * 2
    assert len(made) == 1


def test_what_was_not_finished_is_made_anew(tmp_path: Path) -> None:
    def half(path: Path) -> None:
        path.mkdir()
        (path / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made_once(tmp_path / "thing", half)
    assert not (tmp_path / "thing").exists()
    assert not list(made_once(tmp_path / "thing", Path.mkdir).iterdir())
