"""Two whole commands on one bundle, in processes of their own: neither undoes the other."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slsg_edge.bundle.folder import open_bundle

PATIENCE = 120  # seconds


def slsg_edge(*words):
    return [sys.executable, "-m", "slsg_edge", *map(str, words)]


@pytest.fixture
def stopped_at(tmp_path):
    """Starts a command and stops it once it has loaded a library: by then the bundle is open."""
    running = []

    def start(library, *words):
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(slsg_edge(*words), stdout=log, stderr=log)
        running.append(process)
        maps = Path(f"/proc/{process.pid}/maps")
        deadline = time.monotonic() + PATIENCE
        while library not in maps.read_text():
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGSTOP)

        def finish():
            process.send_signal(signal.SIGCONT)
            code = process.wait(PATIENCE)
            return code, (tmp_path / "log").read_text()

        return finish

    yield start
    for process in running:
        process.kill()
        process.wait()


def run(*words):
    done = subprocess.run(slsg_edge(*words), capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr


linux = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what is loaded")


@linux
@pytest.mark.slow
def test_a_threshold_set_while_an_engine_is_built_is_kept(rtx, toy_bundle, stopped_at):
    finish = stopped_at("tensorrt_rtx", "build-engine", toy_bundle, "--target", "rtx",
                        "--precision", "fp32")  # fmt: skip
    run("calibrate", toy_bundle, "--threshold", "0.9")
    code, said = finish()
    assert code == 0, said
    after = open_bundle(toy_bundle)
    assert after.manifest.threshold.value == 0.9
    assert after.file("engines/rtx-fp32.engine").exists()


@linux
@pytest.mark.slow
def test_an_engine_of_a_graph_that_was_exported_anew_is_refused(
    rtx, trained_bundle, tmp_path, stopped_at
):
    path = shutil.copytree(trained_bundle("npad"), tmp_path / "x.slsg")
    finish = stopped_at("tensorrt_rtx", "build-engine", path, "--target", "rtx",
                        "--precision", "fp32")  # fmt: skip
    run("export", path, "--batch", "dynamic")
    before = (path / "manifest.json").read_bytes()
    code, said = finish()
    assert code == 2
    assert "another command changed 'export'" in " ".join(said.split())
    assert f"slsg-edge export {path} --batch dynamic" in " ".join(said.split())
    assert (path / "manifest.json").read_bytes() == before
    assert not (path / "engines").exists()


@linux
@pytest.mark.slow
def test_a_threshold_set_while_an_export_runs_is_kept(trained_bundle, tmp_path, stopped_at):
    path = shutil.copytree(trained_bundle("npad"), tmp_path / "x.slsg")
    finish = stopped_at("libtorch_cpu", "export", path)
    run("calibrate", path, "--threshold", "0.9")
    code, said = finish()
    assert code == 0, said
    assert open_bundle(path).manifest.threshold.value == 0.9


@linux
@pytest.mark.slow
def test_the_second_of_two_exports_is_refused(trained_bundle, tmp_path, stopped_at):
    path = shutil.copytree(trained_bundle("npad"), tmp_path / "x.slsg")
    finish = stopped_at("libtorch_cpu", "export", path)
    run("export", path, "--batch", "dynamic")
    code, said = finish()
    assert code == 2
    assert "--batch dynamic" in " ".join(said.split())
    assert open_bundle(path).manifest.stages["export"].settings["batch"] == "dynamic"
