"""The build-engine stage: a graph of the bundle becomes a proved engine with its fingerprint.

Everything is written at the end or not at all, so that a build that fails, is stopped or runs
into a full disk leaves the bundle as it was.
"""

import hashlib
import re
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slsg_edge.bundle.digests import FILE_LIMIT, Content, bounded_content
from slsg_edge.bundle.engine_record import EngineOptions, Fingerprint, runs_rtx
from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.plan import ENGINE_SUFFIX, MODEL_FILES, engine_stage, engine_stem
from slsg_edge.bundle.records import (
    EngineRecord,
    ExportRecord,
    Int8Record,
    record_of,
    settings_of,
)
from slsg_edge.contracts import Precision
from slsg_edge.errors import ConfigError, CudaError, EngineError, MissingDependency
from slsg_edge.export.engine import BuiltEngine, engine_from_onnx, open_and_prove
from slsg_edge.export.precision_proof import Expectation, counts_of, fp32_layers
from slsg_edge.machine.host import memory_mb, peak_mb
from slsg_edge.machine.nvidia import Gpu, first_gpu, l4t
from slsg_edge.machine.tensorrt import FULL, RTX, TensorRt, complete, load_runtime, load_tensorrt
from slsg_edge.machine.versions import tool_versions
from slsg_edge.progress import bar
from slsg_edge.stages.threshold import Refit, has_threshold, refit_if_moved

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

WORKSPACE_MB = 1024
# Times the size of the ONNX file, and a fixed part: no build of either variant at any precision
# with TensorRT-RTX 1.7 took more, 283 to 486 MB. Full TensorRT was not measured.
_TIMES, _BASE_MB = 7.0, 280.0

_RTX_HINT = "Build a portable engine with --target rtx (pip install 'slsg-edge[rtx]'), or: "


@dataclass(frozen=True, slots=True)
class Target:
    """What an engine is built for: `current`, `rtx` or compute capabilities as in `sm86-sm89`."""

    name: str
    tensorrt: str
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineBuild:
    """The new bundle, where the engine lies, and what TensorRT warned of."""

    bundle: Bundle
    engine: Path
    fingerprint: Fingerprint
    warnings: tuple[str, ...]


def target_named(text: str) -> Target:
    """`current`, `rtx`, or `sm86,sm89`, in any order; ConfigError for anything else."""
    if text == "current":
        return Target(text, FULL)
    if text == "rtx":
        return Target(text, RTX)
    parts = sorted({part.strip() for part in text.split(",")})
    if not all(re.fullmatch(r"sm\d{2,3}", part) for part in parts):
        raise ConfigError(
            f"'{text}' is no target.",
            fix="Give current, rtx, or compute capabilities as in sm86,sm89.",
        )
    return Target("-".join(parts), RTX, tuple(parts))


def build_engine(
    bundle: Bundle, target: Target, options: EngineOptions, command: str
) -> EngineBuild:
    """Writes engines/<target>-<precision>.engine with its fingerprint and timing cache.

    EngineError, MissingDependency or BundleError; the bundle has not changed then.
    """
    started = time.monotonic()
    onnx = bundle.content(MODEL_FILES[options.precision])
    gpu = _gpu(required=target.tensorrt == FULL)
    trt = _tensorrt(target)
    _require_memory(len(onnx.data) / 1e6, options.workspace_mb)
    stem = engine_stem(target.name, options.precision)
    expected = expectation(bundle, options.precision)
    size = (bundle.manifest.preprocessing.height, bundle.manifest.preprocessing.width)
    with complete(trt), _Phases() as phases:
        built = engine_from_onnx(
            trt,
            onnx,
            size,
            options,
            expected,
            timing_cache=_timing_cache(bundle, stem),
            observer=phases,
        )
        opened = _runs_here(target, gpu) and open_and_prove(
            trt, built, load_runtime((trt.name,))[1], expected
        )
    found = _fingerprint(trt, built, onnx, gpu if target.tensorrt == FULL else None, opened)
    files = {f"{stem}{ENGINE_SUFFIX}": built.plan, f"{stem}.json": found.to_bytes()}
    if built.timing_cache:
        files[f"{stem}.cache"] = built.timing_cache
    new = bundle.commit(
        engine_stage(target.name, options.precision),
        files,
        command=command,
        started=started,
        inputs=(onnx.path.name,),
        tools={**tool_versions(), trt.name: trt.version},
        settings=settings_of(EngineRecord(target.name, options.precision)),
    )
    return EngineBuild(new, bundle.path / f"{stem}{ENGINE_SUFFIX}", found, built.warnings)


def build_and_refit(
    bundle: Bundle, target: Target, options: EngineOptions, images: Path | None, command: str
) -> tuple[EngineBuild, Refit | None]:
    """`build_engine`, then a threshold of its own where the engine's scores moved.

    No refit where the engine cannot run here, or the bundle has no threshold that could not fit.
    """
    done = build_engine(bundle, target, options, command)
    if not done.fingerprint.opened or not has_threshold(done.bundle):
        return done, None
    backend = f"tensorrt-{options.precision}"
    return done, refit_if_moved(done.bundle, backend, images, command)


def expectation(bundle: Bundle, precision: Precision) -> Expectation:
    """What the stages that made the graph recorded of its precision."""
    if precision == "fp32":
        return Expectation("fp32")
    if precision == "fp16":
        return Expectation("fp16", fp32_nodes=_set(record_of(bundle, ExportRecord).fp32_nodes))
    record = record_of(bundle, Int8Record)
    return Expectation("int8", _set(record.fp32_nodes), _set(record.int8_nodes))


def _set(nodes: tuple[str, ...] | None) -> frozenset[str] | None:
    """None where they were not recorded."""
    return None if nodes is None else frozenset(nodes)


def _gpu(*, required: bool) -> Gpu | None:
    try:
        return first_gpu()
    except CudaError as error:
        if not required:
            return None
        raise EngineError(
            f"--target current builds for this machine's GPU. {error.what}",
            fix=_RTX_HINT + error.fix,
        ) from error


def _tensorrt(target: Target) -> TensorRt:
    try:
        return load_tensorrt(target.tensorrt)
    except MissingDependency as error:
        if target.tensorrt == RTX:
            raise
        raise EngineError(error.what, fix=_RTX_HINT + error.fix) from error


def _runs_here(target: Target, gpu: Gpu | None) -> bool:
    if gpu is None or target.tensorrt == FULL:
        return gpu is not None
    return runs_rtx(target.capabilities, gpu.compute_capability)


def _require_memory(onnx_mb: float, workspace_mb: int) -> None:
    """EngineError before a build that the system would kill; a Jetson's GPU shares the memory."""
    memory = memory_mb()
    needed = _BASE_MB + _TIMES * onnx_mb + (workspace_mb if l4t() else 0)
    if memory is not None and memory[1] < needed:
        raise EngineError(
            f"{memory[1]:.0f} MB of memory are available, and a build takes about {needed:.0f}.",
            fix="Close other programs or add swap (sudo fallocate -l 4G /swapfile; sudo chmod 600 "
            "/swapfile; sudo mkswap /swapfile; sudo swapon /swapfile). On a Jetson a smaller "
            "--workspace-mb helps too.",
        )


def _timing_cache(bundle: Bundle, stem: str) -> bytes:
    """That of the last build, if it is still the one that was written; nothing else is parsed."""
    path = bundle.path / f"{stem}.cache"
    recorded = [stage.outputs.get(f"{stem}.cache") for stage in bundle.manifest.stages.values()]
    content = bounded_content(path, FILE_LIMIT) if path.exists() else b""
    return content if hashlib.sha256(content).hexdigest() in recorded else b""


def _fingerprint(
    trt: TensorRt, built: BuiltEngine, onnx: Content, gpu: Gpu | None, opened: bool
) -> Fingerprint:
    return Fingerprint(
        tensorrt=trt.name,
        version=trt.version,
        onnx_sha256=hashlib.sha256(onnx.data).hexdigest(),
        options=built.options,
        layers=counts_of(built.facts),
        fp32_layers=fp32_layers(built.facts),
        inputs=built.inputs,
        outputs=built.outputs,
        opened=opened,
        seconds=built.seconds,
        size=len(built.plan),
        peak_mb=round(peak_mb(), 1),
        gpu=gpu,
    )


class _Phases(AbstractContextManager["_Phases"]):
    """A bar for each phase that TensorRT is in."""

    def __init__(self) -> None:
        self._bars: Progress = bar(transient=True)
        self._tasks: dict[str, TaskID] = {}

    def started(self, phase: str, steps: int) -> None:
        self._tasks[phase] = self._bars.add_task(phase, total=steps)

    def reached(self, phase: str, step: int) -> bool:
        self._bars.update(self._tasks[phase], completed=step + 1)
        return True

    def finished(self, phase: str) -> None:
        self._bars.remove_task(self._tasks.pop(phase))

    def __enter__(self) -> "_Phases":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()
