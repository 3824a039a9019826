"""Files that drop into a folder are inspected once each, when their writer is done."""

import queue
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.line.sources import drop_folder
from slsg_edge.line.sources.drop_scan import SETTLED
from slsg_edge.line.sources.source import PartSource, open_source
from slsg_edge.line.watching import WatchOptions, watch
from slsg_edge.runtime.fake_detector import FakeDetector
from slsg_edge.runtime.judged import Judged
from slsg_edge.scoring import Threshold

LONG = 20.0


def png(level=90):
    image = np.full((24, 32, 3), level, np.uint8)
    image[8:16, 8:16] = 200
    return cv2.imencode(".png", image)[1].tobytes()


class Taker:
    """Takes frames in a thread, as a station does."""

    def __init__(self, address, **options):
        self.source = open_source(address, **options)
        self.frames = queue.Queue()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        for frame in self.source:
            self.frames.put(frame)
        self.frames.put(None)

    def next(self):
        return self.frames.get(timeout=LONG)

    def names(self, count):
        return [Path(self.next().origin).name for _ in range(count)]

    def nothing_more(self):
        """Nothing comes after what was put there for this question."""
        return self.frames.empty()


@pytest.fixture
def drop(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def take():
    takers = []

    def start(address, **options):
        takers.append(Taker(address, **options))
        return takers[-1]

    yield start
    for taker in takers:
        taker.source.close()
        for _ in iter(taker.next, None):
            """Until its thread ends."""


@pytest.fixture
def quick(monkeypatch):
    """What cannot be read is given up sooner."""
    monkeypatch.setattr(drop_folder, "_GIVE_UP", 0.6)


def test_what_lies_there_and_what_comes_is_inspected_once(drop, take):
    (drop / "1.png").write_bytes(png(50))
    taker = take(f"drop:{drop}")
    first = taker.next()
    assert first.image.shape == (24, 32, 3)
    assert first.part.startswith("1.png:")
    (drop / "2.png").write_bytes(png(60))
    second = taker.next()
    assert (second.origin, second.index) == (str(drop / "2.png"), 1)
    assert first.part != second.part
    (drop / "3.png").write_bytes(png(60))
    assert taker.names(1) == ["3.png"]
    assert taker.nothing_more()
    assert sorted(path.name for path in drop.iterdir()) == ["1.png", "2.png", "3.png"]


def test_it_is_a_source_of_parts_that_is_idle_when_no_file_waits(drop, take):
    taker = take(f"drop:{drop}")
    assert isinstance(taker.source, PartSource)
    assert (taker.source.live, taker.source.dropped, taker.source.idle) == (False, 0, True)


def test_a_file_that_is_written_slowly_is_not_judged_by_halves(drop, take):
    taker, content = take(f"drop:{drop}"), png(80)
    with (drop / "slow.png").open("wb") as file:
        for start in range(0, len(content), len(content) // 6 + 1):
            file.write(content[start : start + len(content) // 6 + 1])
            file.flush()
            time.sleep(SETTLED * 0.6)
    assert taker.next().image is not None
    (drop / "z.png").write_bytes(png())
    assert taker.names(1) == ["z.png"]


def test_a_writer_that_pauses_is_waited_for(drop, take):
    taker, content = take(f"drop:{drop}"), png(80)
    with (drop / "slow.png").open("wb") as file:
        file.write(content[:40])
        file.flush()
        time.sleep(SETTLED * 3)
        file.write(content[40:])
    assert taker.next().image is not None
    assert taker.nothing_more()


@pytest.mark.parametrize("content", [b"", b"no picture", png()[:60]])
def test_a_file_that_stays_unreadable_is_one_undecided_verdict(drop, take, quick, content):
    taker = take(f"drop:{drop}")
    (drop / "bad.png").write_bytes(content)
    frame = taker.next()
    assert frame.image is None
    assert frame.fault.reason in ("damaged_frame", "unreadable")
    assert frame.part.startswith("bad.png:")
    (drop / "good.png").write_bytes(png())
    assert taker.names(1) == ["good.png"]
    assert taker.nothing_more()


def test_a_bad_file_does_not_hold_up_the_others(drop, take, monkeypatch):
    monkeypatch.setattr(drop_folder, "_GIVE_UP", 2.0)
    taker = take(f"drop:{drop}")
    (drop / "a_bad.png").write_bytes(b"no picture")
    (drop / "b.png").write_bytes(png())
    assert taker.names(2) == ["b.png", "a_bad.png"]


def test_hidden_and_temporary_names_are_not_inspected(drop, take):
    taker = take(f"drop:{drop}")
    for name in (".hidden.png", "x.png.part", "y.tmp", "z.png~", "~w.png", "notes.txt"):
        (drop / name).write_bytes(png())
    (drop / "folder.png").mkdir()
    (drop / "seen.png").write_bytes(png())
    assert taker.names(1) == ["seen.png"]
    assert taker.nothing_more()


@pytest.mark.parametrize("name", [".7.png.Xy12", "7.png.part"])
def test_a_file_is_taken_when_it_gets_its_name(drop, take, name):
    taker = take(f"drop:{drop}")
    (drop / name).write_bytes(png())
    (drop / name).rename(drop / "7.png")
    assert taker.names(1) == ["7.png"]


def test_a_file_that_is_written_anew_is_another_part(drop, take):
    taker = take(f"drop:{drop}")
    (drop / "last.png").write_bytes(png(50))
    first = taker.next()
    (drop / "last.png").write_bytes(png(52))
    second = taker.next()
    assert (first.image[0, 0, 0], second.image[0, 0, 0]) == (50, 52)
    assert first.part != second.part


def test_parts_that_were_inspected_before_are_left_out(drop, take):
    for name in ("1.png", "2.png"):
        (drop / name).write_bytes(png())
    taker = take(f"drop:{drop}", skip=lambda part: part.startswith("1.png:"))
    assert taker.names(1) == ["2.png"]
    assert taker.nothing_more()


def test_where_nobody_knows_what_was_inspected_all_is(drop, take):
    def skip(part):
        raise OSError("the disk is full")

    (drop / "1.png").write_bytes(png())
    assert take(f"drop:{drop}", skip=skip).names(1) == ["1.png"]


def test_after_the_verdict_a_file_is_moved_and_replaces_none(drop, take):
    taker = take(f"drop:{drop}?after=move")
    for level in (10, 20):
        (drop / "7.png").write_bytes(png(level))
        frame = taker.next()
        assert (drop / "7.png").exists()
        taker.source.done(frame.part)
        assert not (drop / "7.png").exists()
    assert sorted(path.name for path in (drop / "done").iterdir()) == ["1_7.png", "7.png"]
    assert cv2.imread(str(drop / "done" / "7.png"))[0, 0, 0] == 10


def test_after_the_verdict_a_file_is_deleted_with_its_mark(drop, take):
    taker = take(f"drop:{drop}?after=delete")
    (drop / "7.png").write_bytes(png())
    (drop / "7.png.done").touch()
    taker.source.done(taker.next().part)
    assert list(drop.iterdir()) == []


def test_a_file_that_was_written_anew_meanwhile_is_not_deleted(drop, take):
    taker = take(f"drop:{drop}?after=delete")
    (drop / "7.png").write_bytes(png(10))
    frame = taker.next()
    (drop / "7.png").write_bytes(png(23) + b"\0\0")
    taker.source.done(frame.part)
    assert (drop / "7.png").exists()
    assert taker.next().image[0, 0, 0] == 23


def test_what_a_killed_process_had_no_time_to_move_is_moved(drop, take):
    (drop / "1.png").write_bytes(png())
    take(f"drop:{drop}?after=move", skip=lambda part: True)
    ends = time.monotonic() + LONG
    while not (drop / "done" / "1.png").exists():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_a_file_that_cannot_be_put_away_is_told_of_and_not_inspected_again(drop, take, caplog):
    (drop / "done").write_text("a file has the name of the folder")
    taker = take(f"drop:{drop}?after=move")
    (drop / "1.png").write_bytes(png())
    taker.source.done(taker.next().part)
    assert "1.png was inspected and cannot be put away" in taker.source.trouble
    (drop / "2.png").write_bytes(png())
    assert taker.names(1) == ["2.png"]
    assert taker.nothing_more()


def test_a_folder_that_goes_is_a_fault_and_comes_back(drop, take, tmp_path):
    taker = take(f"drop:{drop}")
    drop.rename(tmp_path / "away")
    fault = taker.next().fault
    assert fault.reason == "no_frame"
    assert "cannot be read" in fault.detail
    (tmp_path / "away" / "1.png").write_bytes(png())
    (tmp_path / "away").rename(drop)
    for frame in iter(taker.next, None):
        if frame.image is not None:
            break


def test_what_looks_like_a_picture_and_is_not_read_is_told_of(drop, take, caplog):
    (drop / "x.heic").write_bytes(b"x")
    (drop / "y.png").write_bytes(png())
    take(f"drop:{drop}").next()
    assert "x.heic is not inspected" in caplog.text


@pytest.mark.parametrize(
    ("address", "error", "text"),
    [
        ("drop:", DatasetError, "names no folder"),
        ("drop:{0}/gone", DatasetError, "mkdir -p"),
        ("drop:{0}?after=mov", ConfigError, "Did you mean 'move'"),
        ("drop:{0}?afer=move", ConfigError, "Did you mean 'after'"),
    ],
)
def test_a_wrong_address_is_refused(drop, address, error, text):
    with pytest.raises(error, match=text.replace("?", r"\?")):
        open_source(address.format(drop))


def test_a_folder_whose_name_has_a_question_mark(tmp_path, take):
    folder = tmp_path / "in?after=move"
    folder.mkdir()
    (folder / "1.png").write_bytes(png())
    assert take(f"drop:{folder}").names(1) == ["1.png"]


def test_a_watch_of_one_camera_moves_what_it_inspected(drop):
    (drop / "1.png").write_bytes(png())
    judged = Judged(FakeDetector(0.1), Threshold(0.5, "manual", good_scores=(0.1, 0.2, 0.3)))
    with open_source(f"drop:{drop}?after=move") as source:
        watch(source, judged, [], WatchOptions(max_frames=1))
    assert (drop / "done" / "1.png").exists()
