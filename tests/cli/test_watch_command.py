import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from bundles import sets
from watch_process import run, start

from slsg_edge import cli
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.calibration.operating_points import AcquiredScore, choose_threshold
from slsg_edge.scoring import Threshold


@pytest.fixture
def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs the command in this process, sees exit code 2 and no record, and gives stderr."""

    def refuse(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["slsg-edge", "watch", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        out, err = capsys.readouterr()
        assert (stopped.value.code, out) == (2, "")
        return err

    return refuse


def test_verdicts_go_to_stdout_and_the_sum_to_stderr_without_torch_and_onnx(toy_bundle, images):
    code, records, err = run(toy_bundle, images)
    assert code == 0
    assert [record["verdict"] for record in records] == ["good", "good", "anomalous", "undecided"]
    assert len({record["bundle"] for record in records}) == 1
    assert err.startswith(
        "backend onnxruntime-fp32: the best that is ready here\n4 frames: 2 good, 1"
    )
    assert "1 anomalous, 1 undecided; 0 skipped, 0 dropped" in err
    assert "3.png is empty" in err
    assert "weak" not in err  # a threshold by hand or of an earlier version says nothing of it


def recalibrated(bundle: Path, threshold: Threshold) -> None:
    open_bundle(bundle).commit(
        "calibrate",
        {},
        command="slsg-edge calibrate",
        started=time.monotonic(),
        inputs=("model.onnx",),
        update=sets(threshold=threshold),
    )


def test_a_weak_threshold_is_said_once_and_what_lies_between_is_counted_apart(toy_bundle, images):
    good = tuple(AcquiredScore(0.1 + index / 1000) for index in range(60))
    weak = choose_threshold(good, {"texture, small": (0.05,) * 10})
    recalibrated(toy_bundle, replace(weak, value=0.5, undecided_above=0.2))
    code, records, err = run(toy_bundle, images)
    assert code == 0
    assert [record["reason"] for record in records][:2] == [None, "between_thresholds"]
    assert err.count("warning: This threshold is weak: 100% of the simulated") == 1
    assert "1 anomalous, 2 undecided (1 of them between the two thresholds); 0 skipped" in err


def processor_seconds(process):
    """Which do not count what a busy machine has it wait."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux")
def test_the_first_verdict_of_edge_takes_at_most_one_and_a_half_seconds_of_a_core(
    trained_bundle, sample_data, tmp_path
):
    path = shutil.copytree(trained_bundle("edge"), tmp_path / "edge.slsg")
    open_bundle(path).commit(
        "calibrate",
        {},
        command="slsg-edge calibrate",
        started=time.monotonic(),
        inputs=("model.onnx",),
        update=sets(threshold=Threshold(0.5, "manual")),
    )
    taken = []
    for _ in range(3):
        process = start(path, sample_data / "test/good", "--backend", "onnxruntime")
        assert json.loads(process.stdout.readline())["verdict"] in ("good", "anomalous")
        taken.append(processor_seconds(process.pid))
        process.communicate(timeout=60)
    assert min(taken) <= 1.5


def test_verdicts_to_a_file_and_pictures_of_rejects(toy_bundle, images, tmp_path):
    output, rejects = tmp_path / "v.jsonl", tmp_path / "rejects"
    code, records, _ = run(
        toy_bundle, images, "--output", output, "--rejects", rejects, "--every", 2
    )
    assert (code, records) == (0, [])
    kept = [json.loads(line)["index"] for line in output.read_text().splitlines()]
    assert kept == [0, 2, 3]
    assert sorted(path.name.partition("_")[2] for path in rejects.iterdir()) == [
        *("00000002_0.8627.png", "00000002_0.8627_heat.jpg")
    ]


def test_another_region_is_looked_at_and_said(toy_bundle, tmp_path):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:20, :20] = 255
    cv2.imwrite(str(tmp_path / "one.png"), image)
    _, whole, _ = run(toy_bundle, tmp_path / "one.png")
    _, corner, err = run(toy_bundle, tmp_path / "one.png", "--roi", "30,20,30,20")
    assert (whole[0]["verdict"], corner[0]["verdict"]) == ("anomalous", "good")
    assert "another region" in err
    assert whole[0]["bundle"] != corner[0]["bundle"]


def test_a_bundle_without_a_threshold_says_what_to_run(refused, make_bundle, toy_model, images):
    bundle = make_bundle(toy_model(), None)
    err = refused(bundle, images)
    assert f"next: Run: slsg-edge calibrate {bundle} --images DIR" in err


def test_a_threshold_of_another_model_is_refused(refused, toy_bundle, toy_model, images):
    open_bundle(toy_bundle).commit(
        "export", {"model.onnx": toy_model(offset=0.1)}, command="e", started=0.0
    )
    assert "'calibrate' is stale" in refused(toy_bundle, images)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent"], "There is no absent"),
        (["images", "--roi", "1,2"], "is not x,y,width,height"),
        (["images", "--backend", "cuda"], "Unknown backend: 'cuda'"),
        (["images", "--output", "absent/v.jsonl"], "Cannot write absent"),
        (["images", "--every", "0"], "--every"),
        (["images", "--record", "0"], "--record"),
        (["images", "--record-to", "frames"], "Add --record N"),
    ],
)
def test_a_mistake_gets_a_next_step_and_exit_code_2(
    refused, toy_bundle, images, monkeypatch, arguments, said
):
    monkeypatch.chdir(images.parent)
    err = refused(toy_bundle, *arguments)
    assert said in err
    assert "Traceback" not in err


def test_a_reader_that_goes_away_ends_it_quietly(toy_bundle, images):
    for index in range(4, 60):
        (images / f"{index}.png").write_bytes((images / "0.png").read_bytes())
    process = start(toy_bundle, images)
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert "Traceback" not in err
    assert "Exception" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_stdout_is_told_and_every_frame_is_inspected(toy_bundle, images):
    with Path("/dev/full").open("wb") as full:
        process = start(toy_bundle, images, stdout=full.fileno())
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    told = err.splitlines()
    assert told[1].startswith(
        "warning: The disk is full: cannot write standard output. Verdicts go"
    )
    assert told[2].startswith("4 frames: 2 good, 1 anomalous, 1 undecided")
    assert told[2].endswith("; 4 records could not be written")
    assert told[4] == "error: 4 of 4 records could not be written to standard output."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_it_with_the_sum(toy_bundle, tmp_path, number):
    folder = tmp_path / "many"
    folder.mkdir()
    cv2.imwrite(str(tmp_path / "one.png"), np.zeros((1200, 1600, 3), np.uint8))
    for index in range(3000):
        (folder / f"{index:04d}.png").hardlink_to(tmp_path / "one.png")
    process = start(toy_bundle, folder)
    assert process.stdout
    process.stdout.readline()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err[-2000:]
    assert " good, 0 anomalous" in err
    assert "Traceback" not in err
    records = [json.loads(line) for line in out.splitlines()]  # no line is torn
    assert len(records) < 2900


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo terminal")
def test_people_see_a_live_line(toy_bundle, images, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, stderr = os.openpty()
    process = start(toy_bundle, images, stderr=stderr)
    os.close(stderr)
    shown = b""
    try:
        while part := os.read(terminal, 4096):
            shown += part
    except OSError:  # Linux says EIO at the end
        pass
    os.close(terminal)
    out, _ = process.communicate(timeout=60)
    assert "frame 0: good (score 0.157) · 1 good, 0 anomalous, 0 undecided" in shown.decode()
    assert len([json.loads(line) for line in out.splitlines()]) == 4
