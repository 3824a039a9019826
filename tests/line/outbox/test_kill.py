"""kill -9 at any moment: what was confirmed is there, and nothing twice."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from slsg_edge.line.outbox.outbox import Outbox

PUTTING = Path(__file__).with_name("putting.py")
ROOT = Path(__file__).resolve().parents[3]
KILLS = 30


def run_and_kill(folder: Path, after: float) -> list[str]:
    """The lines that it wrote, up to `after` seconds after its first verdict was safe."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    with subprocess.Popen(
        [sys.executable, str(PUTTING), str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    ) as process:
        assert process.stdout
        lines = [process.stdout.readline()]
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines()
    assert process.returncode == -signal.SIGKILL
    return [line.strip() for line in lines]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there is no kill -9")
def test_no_confirmed_verdict_is_lost_and_none_is_twice(tmp_path):
    chance, put, safe, took = random.Random(7), set(), [], []
    for _ in range(KILLS):
        for line in run_and_kill(tmp_path, chance.uniform(0, 0.15)):
            word, name = line.split()
            if word == "put":
                assert name not in put
                put.add(name)
            (safe if word == "safe" else took if word == "took" else []).append(name)
    assert len(safe) > KILLS
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    outbox = Outbox(tmp_path, print)
    found = outbox.after(0, 10**6)
    ids = [one.record.id for one in found]
    assert len(ids) == len(set(ids))
    assert set(safe) <= set(ids) <= put
    positions = [one.position for one in found]
    assert positions == list(range(1, len(found) + 1))
    sequences = [one.record.sequence for one in found]
    assert sequences == list(range(1, len(found) + 1))
    # a sink gets each at least once: what it has not taken is still after its position
    rest = {one.record.id for one in outbox.after(outbox.position_of("mes"), 10**6)}
    assert set(ids) == rest | set(took) & set(ids)
    outbox.close()
