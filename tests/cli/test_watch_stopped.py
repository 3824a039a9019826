"""A watch that is told to end does so with 0, at whatever moment, and without a traceback."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from watch_process import start

from slsg_edge.cli import stopping

HANGS = """
import sys, time
from slsg_edge.cli import stopping
stopping._GRACE, stopping._ORDER = 0.3, 0.5

@stopping.ends_in_order
def command(output=None):
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        time.sleep(60)  # as a library that does not come back

command()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_while_it_starts(toy_bundle, images, number):
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "slsg_edge", "watch", toy_bundle, images],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.split()[-1] == "slsg_edge.cli.first_signals":
            break
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err


def test_what_hangs_is_ended_without_it():
    process = subprocess.Popen(
        [sys.executable, "-c", HANGS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, time.monotonic() - started < 20) == (0, True)
    assert err == "note: something did not answer, so the watch ended without it\n"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no such signal here")
def test_a_hangup_reopens_the_output_and_ends_nothing(toy_bundle, tmp_path, images):
    folder, output = tmp_path / "many", tmp_path / "v.jsonl"
    folder.mkdir()
    for index in range(1500):
        (folder / f"{index:04d}.png").hardlink_to(images / "0.png")
    process = start(toy_bundle, folder, "--output", output)
    while not output.exists() or not output.stat().st_size:
        time.sleep(0.02)
    output.rename(tmp_path / "v.jsonl.1")
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "1500 frames: 1500 good" in err
    lines = [
        json.loads(line)["index"]
        for name in ("v.jsonl.1", "v.jsonl")
        for line in (tmp_path / name).read_text().splitlines()
    ]
    assert lines == list(range(1500))


def test_signals_are_as_before_when_none_came():
    before = signal.getsignal(signal.SIGTERM)
    with stopping.stoppable():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_leaves_signals_alone():
    def work():
        with stopping.stoppable():
            seen.append(signal.getsignal(signal.SIGTERM))

    seen = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]
    assert os.getpid()
