"""What goes wrong on the way to INT8 and to an engine: a sentence, exit code 2, nothing written.

Through the command line, with TensorRT-RTX where an engine is asked for.
"""

import subprocess
import sys
import types

import cv2
import numpy as np
import onnx
import pytest
from bundles import with_file
from fake_gpu import ORIN
from graphs import SIDE, graph_bytes, weights

from slsg_edge.bundle.engine_record import EngineOptions, Fingerprint
from slsg_edge.bundle.folder import Manifest, new_bundle, open_bundle
from slsg_edge.bundle.golden import Golden
from slsg_edge.export.graph import graph_from_bytes
from slsg_edge.export.precision import half_graph
from slsg_edge.machine.nvidia import Gpu
from slsg_edge.machine.tensorrt import RTX, TensorRt
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime import engine_choice
from slsg_edge.scoring import Threshold
from slsg_edge.stages import engine as engines
from slsg_edge.stages import int8 as quantising

CONVOLUTIONS = """
    hidden = Conv(pixels, w0)
    relu = Relu(hidden)
    raw = Conv(relu, w1)
    more = Unsqueeze(raw, first)
    same = Squeeze(more, first)
    logits = Sigmoid(same)
"""


def network(body=CONVOLUTIONS, scale=0.01, **more):
    """Two convolutions, so that there is something to quantise; axes as since opset 13."""
    constants = {"w0": weights(4, 3, 1, 1, scale=scale), "w1": weights(1, 4, 1, 1)}
    return graph_bytes(body, **constants, first=np.array([0]), **more)


def edited(change, **more):
    model = onnx.load_from_string(network(**more))
    change(model)
    return model.SerializeToString()


def rename_score(model):
    model.graph.output[1].name = model.graph.node[-1].output[0] = "label"


def free_height(model):
    for end in (model.graph.input[0], model.graph.output[0]):
        end.type.tensor_type.shape.dim[1].dim_param = "H"


def old_opset(model):
    model.opset_import[0].version = 12


@pytest.fixture
def make(tmp_path):
    """The path of an exported bundle around a graph."""

    def bundle(model: bytes):
        frames = np.stack([np.full((SIDE, SIDE, 3), level, np.uint8) for level in (40, 90, 200)])
        maps = (frames.mean(-1) / 255).astype(np.float32)
        golden = Golden(frames, maps, maps.max((1, 2))).to_bytes()
        manifest = Manifest("toy", {}, Preprocessing(SIDE, SIDE), Threshold(0.5, "manual"))
        files = {"model.onnx": model, "golden.npz": golden}
        path = tmp_path / "made.slsg"
        new_bundle(path, manifest).commit("export", files, command="slsg-edge export", started=0.0)
        return path

    return bundle


@pytest.fixture
def refused(run):
    """That a command is refused with exit code 2 and leaves the bundle as it was."""

    def check(bundle, command, *words, says):
        before = contents(bundle)
        code, said = run(command, bundle, *words)
        assert code == 2, said
        assert "error: " in said
        assert "next: " in said
        for text in says:
            assert text in said
        assert contents(bundle) == before

    return check


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def good(tmp_path):
    folder = tmp_path / "good"
    folder.mkdir()
    for index in range(10):
        image = np.random.default_rng(index).integers(60, 200, (20, 20, 3), np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), image)
    return folder


BUILD = ("--precision", "fp32", "--target", "rtx")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (rename_score, ["model.onnx", "label", "image_score", "is due"]),
        (free_height, ["model.onnx", "-1", "is due"]),
        (old_opset, ["cannot parse", "more/Unsqueeze", "docs/tensorrt.md"]),
    ],
)
def test_a_graph_that_is_not_ours_becomes_no_engine(make, refused, rtx, change, says):
    refused(make(edited(change)), "build-engine", *BUILD, says=says)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (edited(rename_score), ["model.onnx", "label", "image_score"]),
        (edited(old_opset), ["model.onnx is invalid"]),
        (b"no graph", ["model.onnx is no ONNX file"]),
        (network("logits = Sigmoid(pixels)"), ["no convolution that could be INT8"]),
    ],
)
def test_a_graph_that_is_not_ours_becomes_no_int8(make, refused, good, model, says):
    refused(make(model), "calibrate", "--int8", "--images", good, says=says)


@pytest.mark.parametrize("words", [("build-engine", *BUILD), ("calibrate", "--int8", "--images")])
def test_a_graph_that_somebody_put_in_by_hand(make, refused, good, words):
    bundle = make(network())
    (bundle / "model.onnx").write_bytes(network(scale=0.02))
    more = [good] if words[-1] == "--images" else []
    refused(bundle, *words, *more, says=["model.onnx is not the file that 'export' wrote"])


def test_no_images_to_calibrate_with(make, refused, good, tmp_path):
    bundle = make(network())
    (tmp_path / "empty").mkdir()
    int8 = ("calibrate", "--int8", "--images")
    refused(bundle, *int8, tmp_path / "empty", says=["empty", "no image"])
    refused(bundle, *int8, tmp_path / "gone", says=["gone"])
    (good / "3.png").write_bytes(b"")
    refused(bundle, *int8, good, says=["3.png", "0 bytes"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--false-alarms", "0"], "between 0 and 1"),
        (["--auroc-drop", "nan"], "budget"),
        (["--rank", "2"], "budget"),
    ],
)
def test_numbers_that_make_no_sense_are_said_before_the_work(
    make, refused, good, monkeypatch, words, says
):
    monkeypatch.setattr(quantising, "choose_range_images", None)  # it would be called first
    refused(make(network()), "calibrate", "--int8", "--images", good, *words, says=[says])


def test_a_network_that_gives_no_numbers(make, refused, good):
    broken = make(network(scale=np.nan))
    refused(broken, "calibrate", "--int8", "--images", good, says=["NaN or infinity in relu of"])


def test_a_capability_that_is_not_there(make, refused, rtx):
    words = ("--precision", "fp32", "--target", "sm87")
    refused(make(network()), "build-engine", *words, says=["does not build for sm87", "sm86"])


def test_a_dla_that_is_not_there(make, refused, rtx, monkeypatch):
    bundle = make(network())
    add(bundle, {"model.fp16.onnx": half_graph(graph_from_bytes(network()), {}).content})
    monkeypatch.setattr(engines, "first_gpu", lambda: ORIN)
    monkeypatch.setattr(engines, "load_tensorrt", lambda name: rtx)
    refused(bundle, "build-engine", "--dla", "0", says=["no DLA core 0", "Leave out --dla"])


def add(bundle, files):
    for name, content in files.items():
        with_file(open_bundle(bundle), name, content)


class Lacking(types.ModuleType):
    """TensorRT-RTX without one of its flags."""

    def __init__(self, module, flags: str, flag: str) -> None:
        super().__init__(module.__name__)
        self._module, self._flags, self._flag = module, flags, flag

    def __getattr__(self, name):
        found = getattr(self._module, name)
        if name != self._flags:
            return found
        rest = {key: value for key, value in found.__members__.items() if key != self._flag}
        return type(name, (), {"__module__": found.__module__, **rest})


@pytest.mark.parametrize(
    ("flags", "flag"), [("BuilderFlag", "TF32"), ("ProfilingVerbosity", "DETAILED")]
)
def test_a_tensorrt_without_a_flag_that_is_needed(make, refused, rtx, monkeypatch, flags, flag):
    lacking = TensorRt(RTX, Lacking(rtx.module, flags, flag))
    monkeypatch.setattr(TensorRt, "logger", rtx.logger)
    monkeypatch.setattr(engines, "load_tensorrt", lambda name: lacking)
    says = [f"{RTX} {rtx.version} lacks", flags, flag, "docs/tensorrt.md"]
    refused(make(network()), "build-engine", *BUILD, says=says)


def test_a_disk_that_is_full_when_the_engine_is_written(make, rtx):
    """A limit on the size of files fails the write half-way, as a full disk does."""
    bundle = make(network())
    before = contents(bundle)
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000,) * 2); "
        f"sys.argv = ['slsg-edge', 'build-engine', {str(bundle)!r}, *{BUILD!r}]; "
        "from slsg_edge.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "Cannot write" in done.stderr
    assert contents(bundle) == before


@pytest.mark.parametrize("command", ["bench", "watch", "calibrate"])
@pytest.mark.parametrize(
    ("gpu", "version", "says"),
    [
        (ORIN, "10.7.0", ["tensorrt 10.3.0", "tensorrt 10.7.0"]),
        (Gpu("NVIDIA L4", "8.9", "12.6"), "10.3.0", ["NVIDIA L4 (8.9)", str(ORIN)]),
    ],
)
def test_an_engine_of_another_machine(
    make, refused, good, monkeypatch, command, gpu, version, says
):
    built = Fingerprint(
        tensorrt="tensorrt", version="10.3.0", onnx_sha256="", layers=(), fp32_layers=(),
        options=EngineOptions("fp16", 512), inputs=(), outputs=(), opened=True, seconds=1.0,
        size=6, peak_mb=1.0, gpu=ORIN,
    )  # fmt: skip
    bundle = make(network())
    files = {"current-fp16.engine": b"engine", "current-fp16.json": built.to_bytes()}
    add(bundle, {f"engines/{name}": content for name, content in files.items()})
    here = types.SimpleNamespace(name="tensorrt", version=version)
    monkeypatch.setattr(engine_choice, "first_gpu", lambda: gpu)
    monkeypatch.setattr(engine_choice, "load_runtime", lambda names: (here, None))
    monkeypatch.setattr(engine_choice.importlib.util, "find_spec", lambda name: object())
    more = {"bench": ["--images", good], "watch": [good], "calibrate": ["--images", good]}
    words = [*more[command], "--backend", "tensorrt-fp16"]
    refused(bundle, command, *words, says=[*says, "Run: slsg-edge build-engine"])
