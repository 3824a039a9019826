"""A toy model that follows the contract of the exported graph, and a bundle around it."""

import functools
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_once import made_once

from slsg_edge.bundle.commands import BUNDLE
from slsg_edge.bundle.folder import Bundle, Manifest, new_bundle, open_bundle
from slsg_edge.bundle.golden import Golden
from slsg_edge.errors import MissingDependency
from slsg_edge.images import UsualFrames, quiet_ffmpeg
from slsg_edge.machine.tensorrt import RTX, TensorRt, load_tensorrt
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.scoring import Threshold

pytest_plugins = ("folder_times",)

# What takes a network that was trained takes a minute, where nobody trained it before.
TRAINED = {"trained_bundle", "quantised_bundle"}
TOY = Path(__file__).with_name("toy.onnx")  # what `build_model` makes, for machines without onnx

LONGEST = "test_the_demo_keeps_its_promise"  # ten minutes

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")

SIZE = 32
SPEC = Preprocessing(SIZE, SIZE)
OPSET = 20

quiet_ffmpeg()  # before any test opens a video: FFmpeg asks once
HALF = Threshold(0.5, "manual", good_scores=(0.1, 0.2))


@pytest.fixture(scope="session", autouse=True)
def _trusts_nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever the machine that runs the tests trusts, its children too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLSG_EDGE_TRUST", str(tmp_path_factory.mktemp("trust")))
        yield


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist, which a line PC has no use for
def pytest_xdist_setupnodes() -> None:
    """Before any worker starts: each has a core of its own, and its children have no more."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a trained bundle are slow; the longest begins first, so that no worker waits for
    it at the end."""
    for item in items:
        if TRAINED & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.name != LONGEST)


def build_model(
    batch: int | str = "N",
    size: int = SIZE,
    kind: int | None = None,
    score: str = "image_score",
    offset: float = 0.0,
    keep_channels: bool = False,
) -> bytes:
    """Map: mean of the channels / 255 + `offset`. Score: its largest pixel."""
    helper = pytest.importorskip("onnx.helper", reason="only the stored toy model is there")
    from onnx import TensorProto, checker

    channels = 3 if keep_channels else 1
    nodes = [
        helper.make_node("Cast", ["frame"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "channel"], ["grey"], keepdims=0),
        helper.make_node("Div", ["grey", "largest"], ["unit"]),
        helper.make_node("Add", ["unit", "offset"], ["anomaly_map"]),
        helper.make_node("ReduceMax", ["anomaly_map", "pixel"], [score], keepdims=0),
    ]
    constants = [
        helper.make_tensor("channel", TensorProto.INT64, [1], [3 if channels == 1 else 2]),
        helper.make_tensor("pixel", TensorProto.INT64, [2], [1, 2]),
        helper.make_tensor("largest", TensorProto.FLOAT, [], [255.0]),
        helper.make_tensor("offset", TensorProto.FLOAT, [], [offset]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("frame", kind or TensorProto.UINT8, [batch, size, size, 3])],
        [
            helper.make_tensor_value_info("anomaly_map", TensorProto.FLOAT, [batch, "a", "b"]),
            helper.make_tensor_value_info(score, TensorProto.FLOAT, [batch]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    checker.check_model(model)
    return bytes(model.SerializeToString())


PLAIN = UsualFrames(darkest=0.0, brightest=255.0, flattest=0.0)
"""The toy was trained on pictures of one colour."""


def build_bundle(path: Path, model: bytes, threshold: Threshold | None) -> Bundle:
    frames = np.stack([np.full((SIZE, SIZE, 3), level, np.uint8) for level in (40, 80, 200)])
    maps = (frames.mean(-1) / 255).astype(np.float32)
    golden = Golden(frames, maps, maps.max((1, 2)))
    bundle = new_bundle(path, Manifest("toy", {}, SPEC, usual=PLAIN)).commit(
        "export",
        {"model.onnx": model, "golden.npz": golden.to_bytes()},
        command=f"slsg-edge export {BUNDLE}",
        started=time.monotonic(),
    )
    if threshold is None:
        return bundle
    return bundle.commit(
        "calibrate",
        {},
        command=f"slsg-edge calibrate {BUNDLE}",
        started=time.monotonic(),
        inputs=("model.onnx",),
        update=lambda manifest: replace(manifest, threshold=threshold),
    )


def toy_model_of(**changes: Any) -> bytes:
    """The stored graph, or one of `build_model` where something is to be different."""
    return build_model(**changes) if changes else TOY.read_bytes()


@pytest.fixture
def toy_model() -> Callable[..., bytes]:
    """The serialised graph, with arguments to break it."""
    return toy_model_of


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Path]:
    """A bundle of any model; frames lighter than 0.5 are anomalous."""

    def make(model: bytes, threshold: Threshold | None = HALF) -> Path:
        return build_bundle(tmp_path / "made.slsg", model, threshold).path

    return make


@pytest.fixture
def toy_bundle(make_bundle: Callable[..., Path]) -> Path:
    """Exported and calibrated: a frame lighter than half is anomalous."""
    return make_bundle(TOY.read_bytes())


@pytest.fixture(scope="session")
def rtx() -> TensorRt:
    """TensorRT-RTX, which builds engines without a GPU; without it the test is skipped."""
    try:
        return load_tensorrt(RTX)
    except MissingDependency as missing:
        pytest.skip(missing.fix)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this run of pytest, the same for each of its workers: for `made_once`."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def sample_data(shared_folder: Path) -> Path:
    """The sample line as a small data set with every split."""
    import trained

    return made_once(shared_folder / "line" / "data", trained.draw_data)


@pytest.fixture(scope="session")
def trained_bundle(
    shared_folder: Path, sample_data: Path, pytestconfig: pytest.Config
) -> Callable[[str], Path]:
    """The path of a trained and exported bundle of trained.RUNS: copy before changing it."""
    import trained

    kept = pytestconfig.cache.mkdir("trained")

    @functools.cache
    def bundle(variant: str) -> Path:
        return made_once(
            shared_folder / "trained" / variant / f"{variant}.slsg",
            lambda path: trained.export_trained(path, sample_data, variant, kept),
        )

    return bundle


def _all_groups(shares: Mapping[str, float], measure: Callable[..., Any], _: object) -> Any:
    from slsg_edge.calibration.sensitivity import ChosenGroups

    damage = measure(frozenset(shares))
    return ChosenGroups(tuple(shares), damage, dict.fromkeys(shares, damage))


@pytest.fixture
def measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All groups of layers become INT8, and are measured together, not one after the other."""
    from slsg_edge.stages import int8

    monkeypatch.setattr(int8, "choose_groups", _all_groups)


@pytest.fixture(scope="session")
def quantised_bundle(
    shared_folder: Path, sample_data: Path, trained_bundle: Callable[[str], Path]
) -> Callable[[str], Path]:
    """The same with model.int8.onnx, every group of layers in it: copy before changing it.

    Measured once together; group by group, as the stage does, takes many times as long.
    """
    from slsg_edge.stages import int8

    def quantise(path: Path, variant: str) -> None:
        shutil.copytree(trained_bundle(variant), path)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(int8, "choose_groups", _all_groups)
            settings = int8.Int8Settings(images=12)
            int8.quantise_bundle(
                open_bundle(path), sample_data, settings, "slsg-edge calibrate --int8"
            )

    @functools.cache
    def bundle(variant: str) -> Path:
        return made_once(
            shared_folder / "quantised" / variant / f"{variant}.slsg",
            lambda path: quantise(path, variant),
        )

    return bundle


@pytest.fixture(scope="module")
def conversions() -> Any:
    """PyTorch's conversions of one module of tests."""
    from conversion import Conversions

    return Conversions()


@pytest.fixture
def converted_once(conversions: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each network is converted once a module: it has the same weights in all of its tests."""
    from slsg_edge.export import onnx as exporter

    monkeypatch.setattr(exporter, "onnx_from_model", conversions)
