"""Several commands on one bundle at the same time: none undoes another, none is half done."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from bundles import sets

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import BundleChanged, StorageError
from slsg_edge.scoring import Threshold
from slsg_edge.storage import locked

OTHER = Threshold(0.9, "manual")

# A command that opens the bundle, says so, waits for a line and then commits.
SLOW = """
import sys
from dataclasses import replace
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import SlsgError
from slsg_edge.scoring import Threshold

bundle = open_bundle(__import__("pathlib").Path(sys.argv[1]))
print("opened", flush=True)
sys.stdin.readline()
stage, value = sys.argv[2], float(sys.argv[3])
files = {} if stage == "calibrate" else {"model.onnx": sys.argv[3].encode()}
try:
    bundle.commit(
        stage, files, command=f"slsg-edge {stage} {{bundle}}", started=0.0,
        inputs=("model.onnx",) if stage == "calibrate" else (),
        update=lambda manifest: replace(manifest, threshold=Threshold(value, "manual"))
        if stage == "calibrate" else manifest,
    )
except SlsgError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def start(toy_bundle):
    """Starts a slow command in a process of its own; call what it gives to let it commit."""
    running = []

    def begin(stage, value):
        command = [sys.executable, "-c", SLOW, str(toy_bundle), stage, str(value)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, text=True, **pipes)
        running.append(process)
        assert process.stdout.readline() == "opened\n"

        def finish():
            _, errors = process.communicate("\n", timeout=30)
            return process.returncode, errors

        return finish

    yield begin
    for process in running:
        process.kill()
        process.wait()


def calibrate(path, threshold=OTHER):
    open_bundle(path).commit(
        "calibrate",
        {},
        command="slsg-edge calibrate {bundle} --threshold 0.9",
        started=0.0,
        inputs=("model.onnx",),
        update=sets(threshold=threshold),
    )


def test_a_threshold_found_while_an_export_runs_is_kept(toy_bundle, start):
    """The export's graph is another one, so the threshold is stale, but it is not the old one."""
    finish = start("export", 1)
    calibrate(toy_bundle)
    assert finish() == (0, "")
    after = open_bundle(toy_bundle)
    assert after.manifest.threshold == OTHER
    assert (toy_bundle / "model.onnx").read_bytes() == b"1"
    assert set(after.manifest.stages) == {"export", "calibrate"}


def test_a_threshold_of_a_graph_that_changed_meanwhile_is_refused(toy_bundle, start):
    finish = start("calibrate", 0.7)
    model = open_bundle(toy_bundle)
    model.commit("export", {"model.onnx": b"new"}, command="slsg-edge export {bundle}", started=0.0)
    before = (toy_bundle / "manifest.json").read_bytes()
    code, said = finish()
    assert code == 1
    changed = "another command changed 'export' while this one ran"
    assert f"{changed}: slsg-edge export {toy_bundle}" in said
    assert "Run it again" in said
    assert (toy_bundle / "manifest.json").read_bytes() == before


def test_of_two_that_write_the_same_stage_the_second_is_refused(toy_bundle, start):
    finish = start("calibrate", 0.7)
    calibrate(toy_bundle)
    code, said = finish()
    assert code == 1
    assert "changed 'calibrate'" in said
    assert "--threshold 0.9" in said
    assert open_bundle(toy_bundle).manifest.threshold == OTHER


def test_many_threads_and_stages_lose_nothing(toy_bundle):
    names = [f"threshold-{number}" for number in range(8)]
    opened = open_bundle(toy_bundle)

    def commit(name):
        def update(manifest):
            thresholds = {**manifest.thresholds, name: Threshold(0.3, "manual")}
            return sets(thresholds=thresholds)(manifest)

        opened.commit(name, {}, command="x", started=0.0, update=update)

    threads = [threading.Thread(target=commit, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = open_bundle(toy_bundle).manifest
    assert set(names) <= set(after.stages)
    assert set(after.thresholds) == set(names)


def test_a_stage_that_was_taken_out_meanwhile_is_named(toy_bundle, tmp_path):
    opened = open_bundle(toy_bundle)
    (toy_bundle / "manifest.json").write_text(
        (toy_bundle / "manifest.json").read_text().replace('"export"', '"train"')
    )
    with pytest.raises(BundleChanged, match="no longer in the bundle"):
        opened.commit("calibrate", {}, command="x", started=0.0, inputs=("model.onnx",))


HOLDS = """
import sys, time
from pathlib import Path
from slsg_edge.errors import StorageError
from slsg_edge.storage import locked
with locked(Path(sys.argv[1]), 1.0, StorageError("busy", fix="wait")):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="flock is POSIX's")
def test_a_crash_while_the_lock_is_held_leaves_no_lock(toy_bundle):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(toy_bundle)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        busy = StorageError("busy", fix="wait")
        with pytest.raises(StorageError, match="busy"), locked(toy_bundle, 0.1, busy):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        started = time.monotonic()
        calibrate(toy_bundle)
        assert time.monotonic() - started < 60
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert sorted(path.name for path in toy_bundle.iterdir()) == [
        "golden.npz",
        "manifest.json",
        "model.onnx",
    ]


def test_where_a_file_system_locks_no_folders_commands_still_run(toy_bundle, monkeypatch):
    import errno
    import fcntl

    def refuse(descriptor, operation):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr(fcntl, "flock", refuse)
    calibrate(toy_bundle)
    assert open_bundle(toy_bundle).manifest.threshold == OTHER
