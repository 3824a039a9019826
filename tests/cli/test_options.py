"""An option that does not apply where it stands is a sentence, never ignored."""

import pytest

from slsg_edge.cli.bench import bench
from slsg_edge.cli.bench_metrics import bench_metrics
from slsg_edge.cli.compare import compare
from slsg_edge.cli.options import names_in, require_cpu_backend
from slsg_edge.errors import ConfigError
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


def test_a_folder_for_no_maps_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"--folder .* maps of --streamed"):
        bench_metrics(maps=2, side=16, streamed=0, folder=tmp_path)
