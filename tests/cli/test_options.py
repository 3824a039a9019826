"""An option that does not apply where it stands is a sentence, never ignored."""

import dataclasses

import pytest

from slsg_edge.cli.bench import bench
from slsg_edge.cli.bench_metrics import bench_metrics
from slsg_edge.cli.compare import compare
from slsg_edge.cli.options import names_in, require_cpu_backend
from slsg_edge.errors import ConfigError
from slsg_edge.machine import host
from slsg_edge.runtime import detector
from slsg_edge.runtime.detector import BackendChoice


def test_names_are_parted_by_commas():
    assert names_in(None) == []
    assert names_in("openvino") == ["openvino"]
    assert names_in("onnxruntime, openvino-int8") == ["onnxruntime", "openvino-int8"]


@pytest.mark.parametrize("text", ["", ",", "openvino,", "openvino,,onnxruntime"])
def test_an_empty_name_is_refused(text, toy_bundle, tmp_path):
    with pytest.raises(ConfigError, match="leaves a name empty"):
        bench(toy_bundle, backend=text)
    with pytest.raises(ConfigError, match="leaves a name empty"):
        compare([toy_bundle, toy_bundle, tmp_path], backend=text)


def test_threads_do_not_go_with_engines_alone(toy_bundle, monkeypatch):
    engine = BackendChoice("tensorrt-fp16", "fp16", toy_bundle / "x.engine", "as asked")
    monkeypatch.setattr(detector, "choose", lambda bundle, name: engine)
    with pytest.raises(ConfigError, match=r"--threads .* not for tensorrt-fp16"):
        bench(toy_bundle, threads=2)
    require_cpu_backend(["tensorrt-fp16"], None)
    require_cpu_backend(["tensorrt-fp16", "openvino-fp32"], 2)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["train", "gone", "-o", "a.slsg", "--workers"], "workers"),
        (["watch", "gone.slsg", "frames", "--threads"], "threads"),
        (["bench", "gone.slsg", "--threads"], "threads"),
    ],
)
def test_no_more_threads_than_cores(run, monkeypatch, words, option):
    """The note comes before anything is looked at."""
    monkeypatch.setattr(host, "usable_cores", lambda: 4)
    note = f"note: --{option} 100000 is more than the cores that are usable here: 4 it is."
    code, said = run(*words, 100_000)
    assert code == 2
    assert note in said
    code, said = run(*words, 4)
    assert code == 2
    assert "note: " not in said


def test_the_runtime_starts_no_more_threads_than_cores(opened, monkeypatch):
    """Also for those who come from Python."""
    monkeypatch.setattr(host, "usable_cores", lambda: 4)
    counts = []

    def opens(bundle, model, threads):
        counts.append(threads)

    choice = BackendChoice("onnxruntime-fp32", "fp32", opened.path / "model.onnx", "as asked")
    backend = dataclasses.replace(detector.BACKENDS[choice.backend], open=opens)
    monkeypatch.setitem(detector.BACKENDS, choice.backend, backend)
    for threads in (100_000, 2, None):
        detector.open_choice(opened, choice, threads)
    assert counts == [4, 2, None]


def test_a_folder_for_no_maps_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"--folder .* maps of --streamed"):
        bench_metrics(maps=2, side=16, streamed=0, folder=tmp_path)
