"""Engines from graphs, built for real with TensorRT-RTX, which needs no GPU."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from bundles import unchecked
from onnx import TensorProto, helper, numpy_helper

from slsg_edge.bundle.engine_record import EngineOptions
from slsg_edge.errors import EngineError
from slsg_edge.export import engine
from slsg_edge.export.engine import engine_from_onnx
from slsg_edge.export.precision_proof import Expectation
from slsg_edge.machine.tensorrt import FULL, TensorRt

SIDE = 16
OPTIONS = {"fp32": EngineOptions("fp32", 64), "fp16": EngineOptions("fp16", 64)}
RECORDED = Expectation("fp16", fp32_nodes=frozenset({"second/Conv"}))


def graph(*, half: tuple[str, ...] = (), batch: int | str = 1, opset: int = 20) -> onnx.ModelProto:
    """frame -> two convolutions, those in `half` in FP16 between casts -> map and score."""
    nodes = [
        helper.make_node("Cast", ["frame"], ["pixels"], "in/Cast", to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["x"], "in/Transpose", perm=[0, 3, 1, 2]),
    ]
    constants, value = [], "x"
    for name, shape in (("first", (4, 3, 1, 1)), ("second", (1, 4, 1, 1))):
        dtype = np.float16 if name in half else np.float32
        weights = np.linspace(-1, 1, int(np.prod(shape)), dtype=dtype).reshape(shape)
        constants.append(numpy_helper.from_array(weights, f"{name}.weight"))
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        nodes += [
            helper.make_node("Cast", [value], [f"{name}.in"], f"{name}/In", to=kind),
            helper.make_node(
                "Conv", [f"{name}.in", f"{name}.weight"], [f"{name}.raw"], f"{name}/Conv"
            ),
            helper.make_node(
                "Cast", [f"{name}.raw"], [f"{name}.out"], f"{name}/Out", to=TensorProto.FLOAT
            ),
        ]
        value = f"{name}.out"
    constants.append(numpy_helper.from_array(np.array([1]), "channel"))
    constants.append(numpy_helper.from_array(np.array([1, 2]), "pixel"))
    nodes += [
        helper.make_node("Squeeze", [value, "channel"], ["anomaly_map"], "out/Squeeze"),
        helper.make_node(
            "ReduceMax", ["anomaly_map", "pixel"], ["image_score"], "out/ReduceMax", keepdims=0
        ),
    ]
    made = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, [batch, SIDE, SIDE, 3])],
        [
            helper.make_tensor_value_info("anomaly_map", TensorProto.FLOAT, [batch, SIDE, SIDE]),
            helper.make_tensor_value_info("image_score", TensorProto.FLOAT, [batch]),
        ],
        constants,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


@pytest.fixture
def build(rtx, tmp_path):
    """An engine of a model; FP32 unless the options say so."""

    def run(model, options=OPTIONS["fp32"], expected=None, size=(SIDE, SIDE), **more):
        path = tmp_path / "model.onnx"
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        expected = expected or Expectation(options.precision)
        return engine_from_onnx(
            more.pop("trt", rtx), unchecked(path), size, options, expected, **more
        )

    return run


def test_an_engine_is_built_without_a_gpu(build, rtx):
    built = build(graph())
    assert len(built.plan) > 1000
    assert built.warnings == ()
    assert rtx.lines() == ()
    (frame,) = built.inputs
    assert (frame.name, frame.dtype, frame.shape) == ("frame", "UINT8", (1, SIDE, SIDE, 3))
    assert [output.name for output in built.outputs] == ["anomaly_map", "image_score"]


def test_fp16_is_proved_against_what_was_recorded(build):
    build(graph(half=("first",)), OPTIONS["fp16"], RECORDED)


def test_an_fp32_graph_does_not_pass_for_fp16(build):
    with pytest.raises(EngineError, match=r"first/Conv is FLOAT"):
        build(graph(), OPTIONS["fp16"], RECORDED)
    with pytest.raises(EngineError, match=r"first/Conv is FLOAT\n  second/Conv is FLOAT"):
        build(graph(), OPTIONS["fp16"])


def test_a_half_island_does_not_pass_for_fp32(build):
    with pytest.raises(EngineError, match="second/Conv is HALF"):
        build(graph(half=("second",)))


def test_a_dynamic_batch_gets_a_profile(build):
    assert build(graph(batch="N")).options.batches == (1, 4, 8)
    chosen = build(graph(batch="N"), EngineOptions("fp32", 64, batches=(1, 2, 3)))
    assert chosen.options.batches == (1, 2, 3)
    assert chosen.inputs[0].shape == (-1, SIDE, SIDE, 3)


def test_a_fixed_batch_has_no_choice(build):
    with pytest.raises(EngineError, match=r"takes 1 frame.*--batch dynamic"):
        build(graph(), EngineOptions("fp32", 64, batches=(1, 4, 8)))
    assert build(graph(), EngineOptions("fp32", 64, batches=(1, 1, 1))).options.batches == ()


def test_chosen_gpus_are_built_for_and_unknown_ones_list_the_known(build):
    build(graph(), EngineOptions("fp32", 64, targets=("sm86", "sm89")))
    with pytest.raises(EngineError, match=r"does not build for sm87.*It builds for: sm75, sm80"):
        build(graph(), EngineOptions("fp32", 64, targets=("sm86", "sm87")))


def test_a_dla_that_is_not_there(build):
    with pytest.raises(EngineError, match="no DLA core 0"):
        build(graph(), EngineOptions("fp32", 64, dla_core=0))


@pytest.mark.parametrize("content", [b"", b"no graph at all"])
def test_a_file_that_is_no_graph(build, content):
    with pytest.raises(EngineError, match=r"cannot parse|takes nothing"):
        build(content)


def rename(model: onnx.ModelProto, old: str, new: str) -> onnx.ModelProto:
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    for end in (*model.graph.input, *model.graph.output):
        end.name = new if end.name == old else end.name
    return model


def test_a_graph_that_is_not_ours_says_what_is_due(build):
    with pytest.raises(EngineError, match=r"takes image UINT8 .*where frame UINT8 .* is due"):
        build(rename(graph(), "frame", "image"))
    with pytest.raises(EngineError, match=r"gives anomaly_map .* and score .*where anomaly_map"):
        build(rename(graph(), "image_score", "score"))
    with pytest.raises(EngineError, match=r"takes frame UINT8 \(1, 16, 16, 3\), where .*32, 32"):
        build(graph(), size=(32, 32))


def test_a_float_input_is_not_ours(build):
    model = graph()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    with pytest.raises(EngineError, match="takes frame FLOAT"):
        build(model)


def test_an_operator_that_tensorrt_does_not_know_is_named_with_its_node(build):
    model = graph()
    model.graph.node[3].op_type = "Unheard"
    with pytest.raises(EngineError, match=r"cannot parse .*\n.*first/Conv \(Unheard\)") as refused:
        build(model)
    assert refused.value.log


class Interrupting:
    """As if the user pressed Ctrl-C in the middle of a build."""

    def __init__(self) -> None:
        self.steps = 0
        self.phases: list[str] = []
        self.stopped = threading.Event()  # the build's own, once it has begun

    def started(self, phase: str, steps: int) -> None:
        self.phases.append(phase)

    def reached(self, phase: str, step: int) -> bool:
        self.steps += 1
        if self.steps == 3:
            main = threading.main_thread().ident
            assert main is not None
            signal.pthread_kill(main, signal.SIGINT)
            self.stopped.wait(60)  # however long the main thread waits for a core
        return True

    def finished(self, phase: str) -> None:
        pass


@pytest.fixture(autouse=True)
def _stopped_is_seen(monkeypatch):
    """An `Interrupting` sees when the build was told to stop."""

    class Seen(engine._UntilStopped):
        def __init__(self, observer):
            super().__init__(observer)
            if isinstance(observer, Interrupting):
                observer.stopped = self.stopped

    monkeypatch.setattr(engine, "_UntilStopped", Seen)


def test_an_interrupt_stops_the_build(build, rtx):
    observer = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        build(graph(), observer=observer)
    assert observer.phases
    assert any("canceled" in line.lower() for line in rtx.lines())


class InterruptedWhileItSubmits(ThreadPoolExecutor):
    def submit(self, what, *given):
        submitted = super().submit(what, *given)
        if what is bool:
            return submitted
        raise KeyboardInterrupt


class Waiting(Interrupting):
    """Does not interrupt, and goes on once the build was told to stop."""

    def reached(self, phase: str, step: int) -> bool:
        self.stopped.wait(60)
        return True


def test_an_interrupt_before_the_wait_stops_the_build_too(build, rtx, monkeypatch):
    monkeypatch.setattr(engine, "ThreadPoolExecutor", InterruptedWhileItSubmits)
    with pytest.raises(KeyboardInterrupt):
        build(graph(), observer=Waiting())
    assert any("canceled" in line.lower() for line in rtx.lines())


class Counting:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def started(self, phase: str, steps: int) -> None:
        self.seen.append(phase)

    def reached(self, phase: str, step: int) -> bool:
        return True

    def finished(self, phase: str) -> None:
        self.seen.remove(phase)


def test_phases_are_told_and_end(build):
    observer = Counting()
    build(graph(), observer=observer)
    assert observer.seen == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # RTX keeps the calls, as no-ops
def test_a_timing_cache_comes_out_and_goes_in_again(build, rtx):
    full = TensorRt(FULL, rtx.module)
    first = build(graph(), trt=full)
    assert first.timing_cache
    assert build(graph(), trt=full, timing_cache=first.timing_cache).timing_cache
    assert build(graph()).timing_cache == b""
