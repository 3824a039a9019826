"""`slsg-edge watch line.toml` as a process of its own, ended in every way."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from lines import line_file, station, until
from watch_process import start

from slsg_edge.line.outbox.outbox import Outbox

KILLS = 8


def stored_records(folder: Path) -> list:
    with closing(Outbox(folder / "line-data", print)) as outbox:
        return [each.record for each in outbox.after(0, 1_000_000)]


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    for index in range(count):
        picture = np.full((32, 32, 3), 40 + index % 20, np.uint8)
        picture[::2] += 9
        cv2.imwrite(str(folder / f"{index:04d}.png"), picture)
    return folder


def outbox_has(folder: Path, least: int) -> bool:
    """Looked at from outside, without the lock."""
    import sqlite3

    path = folder / "line-data" / "outbox.db"
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as looked:
            return looked.execute("SELECT count(*) FROM verdicts").fetchone()[0] >= least
    except sqlite3.Error:
        return False


@contextmanager
def ended(process):
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_it_ends_in_order_when_it_is_told_to(toy_bundle, tmp_path):
    path = line_file(tmp_path, station("a", toy_bundle), station("b", toy_bundle, "/dev/video77"))
    with ended(start(path)) as process:
        until(lambda: outbox_has(tmp_path, 20))
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "without it" not in err  # nothing had to be left behind
    assert "2 of 2 stations ready" in err
    found = stored_records(tmp_path)
    for name in "ab":
        sequences = [each.sequence for each in found if each.station == name]
        assert sequences == list(range(1, len(sequences) + 1))


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_no_part_and_judges_none_twice(toy_bundle, tmp_path):
    dropped = pictures(tmp_path / "dropped", 400)
    lines = tmp_path / "seen.jsonl"
    path = line_file(
        tmp_path,
        f'[[json_lines]]\npath = "{lines}"\n',
        station("a", toy_bundle, f"drop:{dropped}"),
    )
    chance, before = random.Random(0), 0
    for _ in range(KILLS):
        with ended(start(path)) as process:
            # all of them, where it ran ahead of a busy test
            least = min(before + chance.randrange(1, 30), 400)
            until(lambda least=least: outbox_has(tmp_path, least) or process.poll() is not None)
            time.sleep(chance.random() * 0.05)
            process.kill()
            process.communicate()
        before = len(stored_records(tmp_path))
    with ended(start(path)) as process:
        until(lambda: outbox_has(tmp_path, 400))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    found = stored_records(tmp_path)
    assert Counter(Path(each.origin).name for each in found) == dict.fromkeys(
        (each.name for each in dropped.iterdir()), 1
    )
    assert len({each.id for each in found}) == 400
    ids = {each.id for each in found}
    written = [json.loads(line)["id"] for line in lines.read_text().splitlines()]
    assert set(written) == ids
    # in their order, but for those that were written again after a kill
    assert list(dict.fromkeys(written)) == [each.id for each in found]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("faketime"), reason="apt install faketime")
def test_when_the_clock_jumps_back_an_hour_ages_and_order_stay_right(toy_bundle, tmp_path):
    moment = tmp_path / "moment"
    moment.write_text("+0")
    library = next(Path("/usr/lib").rglob("libfaketime.so.1"))
    path = line_file(tmp_path, station("a", toy_bundle))
    variables = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(moment),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    command = [sys.executable, "-m", "slsg_edge", "watch", str(path)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables)
    with ended(running) as process:
        until(lambda: outbox_has(tmp_path, 20))
        moment.write_text("-3600")
        until(lambda: outbox_has(tmp_path, 80))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    found = stored_records(tmp_path)
    times = [each.captured_at for each in found]
    assert times != sorted(times)  # the clock did jump
    assert [each.sequence for each in found] == list(range(1, len(found) + 1))
    assert all(0 <= each.age_ms < 20_000 for each in found)
    with closing(Outbox(tmp_path / "line-data", print)) as outbox:
        assert any(each.kind == "clock" for each in outbox.events())
