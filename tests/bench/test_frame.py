import io
import json
from contextlib import closing

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from slsg_edge.bench.frame import PAIRS, benchmark, write_frames
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.golden import golden_from
from slsg_edge.cli.bench import bench
from slsg_edge.errors import BundleError, ConfigError, DatasetError
from slsg_edge.images import read_image
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.detector import choose, open_choice
from slsg_edge.scoring import Threshold


@pytest.fixture(autouse=True)
def few_simulated(monkeypatch):
    """Anomalies, whose rate is measured beside the frames."""
    monkeypatch.setattr("slsg_edge.bench.synthesis.SIMULATED", 5)


def run(*arguments: str):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(bench)
    return CliRunner().invoke(app, arguments)


def test_every_stage_and_the_loop_are_measured(toy_bundle):
    result = json.loads(run(str(toy_bundle), "--frames", "4", "--threads", "1", "--json").stdout)
    names = [stage["stage"] for stage in result["stages"]]
    assert names == ["decode", "resize", "inference", "score", "verdict"]
    assert all(0 < stage["median"] <= stage["p95"] for stage in result["stages"])
    assert result["ratio"] > 0
    assert result["loop_ms"] > 0
    assert result["bare_ms"] > 0
    assert result["peak_mb"] > 10
    assert result["cut_paste_per_second"] > 0
    assert result["anomalies_per_second"] is None  # the toy has no training
    assert result["machine"]["cores"] >= 1
    assert "onnxruntime" in result["machine"]["versions"]


def test_which_backend_ran_and_why_is_in_the_object_and_on_stderr(toy_bundle):
    result = run(str(toy_bundle), "--frames", "1", "--json")
    shown = json.loads(result.stdout)
    assert (shown["backend"], shown["reason"]) == (
        "onnxruntime-fp32",
        "the best that is ready here",
    )
    assert result.stderr.startswith("backend onnxruntime-fp32: ")
    asked = json.loads(run(str(toy_bundle), "--backend", "openvino", "--json").stdout)
    assert asked["detector"] == "openvino cpu fp32"


def test_several_backends_are_compared_in_one_run(toy_bundle):
    names = "onnxruntime,openvino-fp32"
    shown = json.loads(run(str(toy_bundle), "--backend", names, "--frames", "20", "--json").stdout)
    assert shown["frames"] == 24  # whole rounds
    first, second = shown["backends"]
    assert (first["backend"], first["speedup"]) == ("onnxruntime-fp32", 1)
    assert second["backend"] == "openvino-fp32"
    assert second["speedup"] > 0
    assert all(0 < found["median"] <= found["p95"] for found in shown["backends"])
    table = run(str(toy_bundle), "--backend", names, "--frames", "8").stdout
    assert "times as fast as onnxruntime-fp32" in table


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("onnxruntime,openvinno", "Did you mean 'openvino'"),
        ("onnxruntime,onnxruntime-fp32", "names one backend twice"),
    ],
)
def test_backends_that_cannot_be_compared_are_named(toy_bundle, names, said):
    found = run(str(toy_bundle), "--backend", names).exception
    assert isinstance(found, ConfigError)
    assert said in str(found)


def test_people_see_the_ratio_and_the_machine(toy_bundle):
    result = run(str(toy_bundle), "--frames", "3")
    assert "ratio" in result.stdout
    assert "golden frames" in result.stdout
    assert "cores" in result.stdout


def test_a_bundle_that_is_not_calibrated_yet_can_be_measured(make_bundle, toy_model):
    assert run(str(make_bundle(toy_model(), None)), "--frames", "1").exit_code == 0


def test_images_of_the_user_are_taken_round_and_round(toy_bundle, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    write_frames(np.zeros((2, 64, 48, 3), np.uint8), folder)
    result = run(str(toy_bundle), "--images", str(folder), "--frames", "5", "--json")
    assert json.loads(result.stdout)["frames"] == 5


def test_a_folder_without_images_is_an_error(toy_bundle, tmp_path):
    assert isinstance(run(str(toy_bundle), "--images", str(tmp_path)).exception, DatasetError)


def test_an_image_that_cannot_be_read_is_named(toy_bundle, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"")
    found = run(str(toy_bundle), "--images", str(tmp_path)).exception
    assert "broken.png" in str(found)


def test_golden_frames_become_image_files_without_loss(toy_bundle, tmp_path):
    frames = golden_from(open_bundle(toy_bundle).content("golden.npz")).frames
    paths = write_frames(frames, tmp_path)
    np.testing.assert_array_equal(np.stack([read_image(path) for path in paths]), frames)


def test_golden_frames_without_answers_are_an_error(toy_bundle):
    frames = io.BytesIO()
    np.savez(frames, frames=np.zeros((1, 32, 32, 3), np.uint8))
    open_bundle(toy_bundle).commit(
        "export",
        {"model.onnx": (toy_bundle / "model.onnx").read_bytes(), "golden.npz": frames.getvalue()},
        command="x",
        started=0.0,
    )
    with pytest.raises(BundleError, match=r"golden\.npz holds no golden frames"):
        raise run(str(toy_bundle), "--frames", "1").exception


def test_progress_counts_every_frame_and_every_pair(toy_bundle, tmp_path):
    paths = write_frames(np.zeros((1, 32, 32, 3), np.uint8), tmp_path)
    steps: list[int] = []
    bundle = open_bundle(toy_bundle)
    with closing(open_choice(bundle, choose(bundle))) as detector:
        threshold = Threshold(0.5, "manual")
        spec = Preprocessing(32, 32)
        benchmark(detector, paths, spec, threshold, 3, lambda: steps.append(1))
    assert len(steps) == 3 + PAIRS
