"""An ONNX graph of this package as a TensorRT engine, proved to have the precision asked for.

Needs neither torch nor onnx, since engines are built on the device that runs them. Knows nothing
about bundles and writes no file.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slsg_edge.bundle.digests import Content
from slsg_edge.bundle.engine_record import EngineOptions, IoTensor
from slsg_edge.contracts import GRAPH_INPUT, GRAPH_OUTPUTS
from slsg_edge.errors import EngineError
from slsg_edge.export.precision_proof import (
    Expectation,
    LayerFact,
    facts_of,
    prove_engine,
    prove_network,
)
from slsg_edge.machine.tensorrt import (
    Observer,
    TensorRt,
    allow_precision,
    complaints,
    network_flags,
    observe,
    set_capabilities,
    start_timing_cache,
    timing_cache_of,
    use_dla,
)
from slsg_edge.machine.tensorrt_surface import (
    Config,
    EngineBuilder,
    EngineRuntime,
    NetworkDefinition,
    NetworkTensor,
    Parser,
)

if TYPE_CHECKING:
    from typing_extensions import Buffer

# Of a graph with a dynamic batch when nothing is asked for: smallest, usual, largest.
BATCHES = (1, 4, 8)

_EXPORT = "Export the model again with `slsg-edge export`."


@dataclass(frozen=True, slots=True)
class BuiltEngine:
    """An engine as TensorRT built it.

    plan: the serialised engine.
    timing_cache: for the next build, empty where there is none.
    facts: the layers of the network it was built from.
    inputs, outputs: of that network.
    options: as asked for, with the batches that were taken.
    warnings: TensorRT's own lines.
    seconds: how long the build took.
    """

    plan: bytes
    timing_cache: bytes
    facts: tuple[LayerFact, ...]
    inputs: tuple[IoTensor, ...]
    outputs: tuple[IoTensor, ...]
    options: EngineOptions
    warnings: tuple[str, ...]
    seconds: float


def engine_from_onnx(
    trt: TensorRt,
    onnx: Content,
    size: tuple[int, int],
    options: EngineOptions,
    expected: Expectation,
    *,
    timing_cache: bytes = b"",
    observer: Observer | None = None,
) -> BuiltEngine:
    """Of a graph for frames of `size` (height, width).

    EngineError, with TensorRT's own lines, for a graph that is not ours, that it cannot parse or
    build, or whose layers lost their precision. A KeyboardInterrupt stops the build.
    """
    started = time.monotonic()
    trt.forget()
    builder = trt.module.Builder(trt.logger)
    network = builder.create_network(network_flags(trt))
    parser = _parse(trt, network, onnx)  # holds the weights until the engine is built
    _check_contract(network, onnx, size)
    facts = facts_of(network)
    if trt.strongly_typed:
        prove_network(facts, expected)
    config = _configured(trt, builder, options)
    options = _with_batches(builder, network, config, options, onnx)
    start_timing_cache(trt, config, timing_cache)
    plan = _built(trt, builder, network, config, observer)
    del parser
    return BuiltEngine(
        plan=bytes(plan),
        timing_cache=timing_cache_of(trt, config),
        facts=facts,
        inputs=_inputs(network),
        outputs=_outputs(network),
        options=options,
        warnings=trt.lines("WARNING"),
        seconds=round(time.monotonic() - started, 2),
    )


def open_and_prove(
    trt: TensorRt, engine: BuiltEngine, runtime: EngineRuntime, expected: Expectation
) -> bool:
    """Looks into the built engine, which needs its GPU; False where it shows no layer types.

    EngineError when TensorRT cannot read its own engine, or when a precision was lost.
    """
    opened = runtime.deserialize_cuda_engine(engine.plan)
    if opened is None:
        raise EngineError(
            f"{trt.name} {trt.version} cannot open the engine that it built.",
            fix="Build again. If it stays, report this with the bundle.",
            log=trt.lines(),
        )
    json_format = trt.module.LayerInformationFormat.JSON
    information = opened.create_engine_inspector().get_engine_information(json_format)
    return prove_engine(information, engine.facts, expected)


def _parse(trt: TensorRt, network: NetworkDefinition, onnx: Content) -> Parser:
    parser = trt.module.OnnxParser(network, trt.logger)
    if not parser.parse(onnx.data):
        raise EngineError(
            f"{trt.name} {trt.version} cannot parse {onnx.path}.",
            fix=f"{_EXPORT} docs/tensorrt.md says which TensorRT is served.",
            log=complaints(parser),
        )
    return parser


def _check_contract(network: NetworkDefinition, onnx: Content, size: tuple[int, int]) -> None:
    """EngineError unless pixels come in and a map and a score go out, as every graph of ours."""
    inputs, outputs = _inputs(network), _outputs(network)
    batch = inputs[0].shape[0] if inputs and inputs[0].shape else 0
    due_in = (IoTensor(GRAPH_INPUT, "UINT8", (batch, *size, 3)),)
    due_out = tuple(
        IoTensor(name, "FLOAT", shape)
        for name, shape in zip(GRAPH_OUTPUTS, ((batch, *size), (batch,)), strict=True)
    )
    for what, ends, due in (("takes", inputs, due_in), ("gives", outputs, due_out)):
        if ends != due:
            raise EngineError(
                f"{onnx.path} is no graph of this bundle: it {what} {_said(ends)}, where "
                f"{_said(due)} is due.",
                fix=_EXPORT,
            )


def _configured(trt: TensorRt, builder: EngineBuilder, options: EngineOptions) -> Config:
    config = builder.create_builder_config()
    # or the inspector shows names only
    config.profiling_verbosity = trt.module.ProfilingVerbosity.DETAILED
    config.set_memory_pool_limit(trt.module.MemoryPoolType.WORKSPACE, options.workspace_mb * 2**20)
    allow_precision(trt, config, options.precision)
    set_capabilities(trt, config, options.targets)
    if options.dla_core is not None:
        use_dla(trt, builder, config, options.dla_core)
    return config


def _with_batches(
    builder: EngineBuilder,
    network: NetworkDefinition,
    config: Config,
    options: EngineOptions,
    onnx: Content,
) -> EngineOptions:
    """Gives a dynamic graph its profile; EngineError when a fixed one is asked for several."""
    frame = _inputs(network)[0]
    fixed = frame.shape[0]
    if fixed >= 0:
        if set(options.batches) - {fixed}:
            raise EngineError(
                f"{onnx.path} takes {fixed} frame at a time, so there is no choice of batches.",
                fix="Run: slsg-edge export BUNDLE --batch dynamic",
            )
        return replace(options, batches=())
    batches = options.batches or BATCHES
    smallest, usual, largest = ((batch, *frame.shape[1:]) for batch in batches)
    profile = builder.create_optimization_profile()
    profile.set_shape(frame.name, smallest, usual, largest)
    config.add_optimization_profile(profile)
    return replace(options, batches=batches)


def _built(
    trt: TensorRt,
    builder: EngineBuilder,
    network: NetworkDefinition,
    config: Config,
    observer: Observer | None,
) -> "Buffer":
    """In a thread of its own, so that this one hears Ctrl-C; leaving waits for the build."""
    until = _UntilStopped(observer)
    observe(trt, config, until)
    with ThreadPoolExecutor(1) as pool:
        # Its thread is there before there is anything to stop: one that Ctrl-C interrupts while it
        # starts is not waited for.
        pool.submit(bool).result()
        try:  # around submit too: a build may be under way before it returns
            plan = pool.submit(builder.build_serialized_network, network, config).result()
        except KeyboardInterrupt:
            until.stopped.set()
            raise
    if plan is None:
        raise EngineError(
            f"{trt.name} {trt.version} could not build the engine.",
            fix="The lines above are TensorRT's. docs/tensorrt.md lists what is known.",
            log=trt.lines(),
        )
    return plan


class _UntilStopped:
    """Hands on to `observer`, if any, and lets the build go on until stopped."""

    def __init__(self, observer: Observer | None) -> None:
        self.stopped = threading.Event()
        self._observer = observer

    def started(self, phase: str, steps: int) -> None:
        if self._observer:
            self._observer.started(phase, steps)

    def reached(self, phase: str, step: int) -> bool:
        wanted = not self._observer or self._observer.reached(phase, step)
        return wanted and not self.stopped.is_set()

    def finished(self, phase: str) -> None:
        if self._observer:
            self._observer.finished(phase)


def _inputs(network: NetworkDefinition) -> tuple[IoTensor, ...]:
    return tuple(_described(network.get_input(index)) for index in range(network.num_inputs))


def _outputs(network: NetworkDefinition) -> tuple[IoTensor, ...]:
    return tuple(_described(network.get_output(index)) for index in range(network.num_outputs))


def _described(tensor: NetworkTensor) -> IoTensor:
    return IoTensor(tensor.name, tensor.dtype.name, tuple(tensor.shape))


def _said(tensors: tuple[IoTensor, ...]) -> str:
    said = (f"{tensor.name} {tensor.dtype} {tensor.shape}" for tensor in tensors)
    return " and ".join(said) or "nothing"
