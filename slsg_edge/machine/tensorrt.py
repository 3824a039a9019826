"""TensorRT, found and loaded; the only importer of it, and the one place for version differences.

The same strongly typed network goes into TensorRT 10.3 and later, 11 and TensorRT-RTX; 8.6 is
served as well as its flags allow. Knows nothing about bundles, ONNX or this machine's GPU.
"""

import contextlib
import functools
import importlib
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

from slsg_edge.contracts import Precision
from slsg_edge.errors import EngineError, MissingDependency
from slsg_edge.machine.nvidia import gpu_count, l4t
from slsg_edge.machine.tensorrt_surface import (
    Config,
    EngineBuilder,
    EngineRuntime,
    Family,
    Parser,
    TensorRtModule,
)

FULL, RTX = "tensorrt", "tensorrt_rtx"
RUNTIMES = (FULL, "tensorrt_lean", "tensorrt_dispatch", RTX)

OLDEST_TENSORRT = (8, 6)
REFUSED_TENSORRT = {(10, 2): "it is known to build engines that answer wrongly"}

_ERRORS = ("INTERNAL_ERROR", "ERROR")
_KEPT = (*_ERRORS, "WARNING")
_LONGEST = 200  # different lines: TensorRT repeats some a hundred times
_JETSON = (
    "Install JetPack's own: sudo apt install python3-libnvinfer. A virtual environment sees it "
    "only when made with --system-site-packages."
)


@dataclass(frozen=True, slots=True)
class LogLine:
    severity: str
    text: str


class Observer(Protocol):
    """Is told of a build's phases, from another thread; asked after each step whether to go on."""

    def started(self, phase: str, steps: int) -> None: ...
    def reached(self, phase: str, step: int) -> bool: ...
    def finished(self, phase: str) -> None: ...


@dataclass(frozen=True, slots=True)
class TensorRt:
    """A loaded TensorRT and what it can do. `name` is the module's, without `_bindings`."""

    name: str
    module: TensorRtModule

    @property
    def version(self) -> str:
        return self.module.__version__

    @property
    def family(self) -> Family:
        return "rtx" if self.name == RTX else self.version.partition(".")[0]

    @property
    def strongly_typed(self) -> bool:
        """Whether layer types are those of the ONNX graph rather than the builder's choice."""
        return hasattr(self.module.NetworkDefinitionCreationFlag, "STRONGLY_TYPED")

    @property
    def logger(self) -> Any:
        return _logger(self.module)

    @property
    def capabilities(self) -> tuple[str, ...]:
        """Those that an engine can be built for without such a GPU, as in `sm86`."""
        if self.family != "rtx":
            return ()
        names = self.module.ComputeCapability.__members__
        return tuple(name.lower() for name in names if name.startswith("SM"))

    def lines(self, *severities: str) -> tuple[str, ...]:
        """What was logged since `forget`: errors, unless other severities are asked for."""
        wanted = severities or _ERRORS
        return tuple(line.text for line in self.logger.kept if line.severity in wanted)

    def forget(self) -> None:
        self.logger.kept.clear()


def load_tensorrt(name: str) -> TensorRt:
    """`tensorrt`, which builds and runs, one of its runtimes, or `tensorrt_rtx`.

    MissingDependency when it is not installed, EngineError when it cannot be loaded or used.
    """
    loaded = TensorRt(name, cast("TensorRtModule", _imported(name)))
    version = tuple(int(part) for part in re.findall(r"\d+", loaded.version)[:2])
    if loaded.family != "rtx" and version < OLDEST_TENSORRT:
        raise EngineError(
            f"TensorRT {loaded.version} is too old.", fix="Install 10.3 or later; 8.6 may do."
        )
    if loaded.family != "rtx" and version in REFUSED_TENSORRT:
        raise EngineError(
            f"TensorRT {loaded.version} is refused: {REFUSED_TENSORRT[version]}.",
            fix="Install 10.3 or later.",
        )
    return loaded


def load_runtime(names: tuple[str, ...] = RUNTIMES) -> tuple[TensorRt, EngineRuntime]:
    """The first of `names` that is installed, and its runtime.

    CudaError without a driver and a GPU, which is asked first: the runtimes crash without one.
    """
    gpu_count()
    for name in names[:-1]:
        try:
            loaded = load_tensorrt(name)
            break
        except MissingDependency:
            continue
    else:
        loaded = load_tensorrt(names[-1])
    return loaded, loaded.module.Runtime(loaded.logger)


@contextlib.contextmanager
def complete(trt: TensorRt) -> Iterator[None]:
    """EngineError where this TensorRT lacks a flag or a call that the body asks it for.

    Only what is asked of TensorRT counts: an attribute missing elsewhere is our own mistake.
    """
    try:
        yield
    except AttributeError as error:
        asked = getattr(error.obj, "__module__", None) or getattr(error.obj, "__name__", None)
        if not str(asked).startswith(trt.name):
            raise
        raise EngineError(
            f"{trt.name} {trt.version} lacks what this needs: {error}.",
            fix="Install another version. docs/tensorrt.md says which are served.",
        ) from error


def network_flags(trt: TensorRt) -> int:
    flags = trt.module.NetworkDefinitionCreationFlag
    wanted = flags.STRONGLY_TYPED if trt.strongly_typed else flags.EXPLICIT_BATCH
    return int(1 << int(wanted))


def allow_precision(trt: TensorRt, config: Config, precision: Precision) -> None:
    """FP32 is never TF32, whose mantissa is FP16's; FP16 and INT8 flags are for weak typing."""
    config.clear_flag(trt.module.BuilderFlag.TF32)
    if trt.strongly_typed or precision == "fp32":
        return
    config.set_flag(trt.module.BuilderFlag.FP16)
    if precision == "int8":
        config.set_flag(trt.module.BuilderFlag.INT8)


def set_capabilities(trt: TensorRt, config: Config, names: tuple[str, ...]) -> None:
    """`sm86` and its like, for TensorRT-RTX; none leaves the engine portable."""
    if unknown := sorted(set(names) - set(trt.capabilities)):
        known = ", ".join(trt.capabilities) or "none"
        raise EngineError(
            f"{trt.name} {trt.version} does not build for {', '.join(unknown)}.",
            fix=f"It builds for: {known}.",
        )
    if names:
        config.num_compute_capabilities = len(names)
        for index, name in enumerate(names):
            member = trt.module.ComputeCapability.__members__[name.upper()]
            config.set_compute_capability(member, index)


def use_dla(trt: TensorRt, builder: EngineBuilder, config: Config, core: int) -> None:
    """Convolutions on a deep learning accelerator of Orin, the rest on the GPU."""
    if not 0 <= core < builder.num_DLA_cores:
        raise EngineError(
            f"There is no DLA core {core}: {trt.name} {trt.version} sees "
            f"{builder.num_DLA_cores} on this machine.",
            fix="Leave out --dla. docs/tensorrt.md says which TensorRT serves the DLA.",
        )
    config.default_device_type = trt.module.DeviceType.DLA
    config.DLA_core = core
    config.set_flag(trt.module.BuilderFlag.GPU_FALLBACK)


def observe(trt: TensorRt, config: Config, observer: Observer) -> None:
    """Nothing where TensorRT tells nothing (8.6): such a build cannot be stopped either."""
    if hasattr(trt.module, "IProgressMonitor"):
        config.progress_monitor = _monitor_class(trt.module)(observer)


def complaints(parser: Parser) -> tuple[str, ...]:
    """The parser's errors, with the node where TensorRT names it."""
    lines = []
    for error in map(parser.get_error, range(parser.num_errors)):
        named = hasattr(error, "node_name") and error.node_name()
        node = f"{error.node_name()} ({error.node_operator()}): " if named else ""
        lines.append(node + error.desc().strip())
    return tuple(lines)


def start_timing_cache(trt: TensorRt, config: Config, stored: bytes) -> None:
    """From a former build, empty when that was for another GPU or version; RTX times nothing."""
    if trt.family == "rtx":
        return
    for content in (stored, b""):
        cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, False):
            return


def timing_cache_of(trt: TensorRt, config: Config) -> bytes:
    """After the build, for the next one."""
    cache = None if trt.family == "rtx" else config.get_timing_cache()
    return bytes(cache.serialize()) if cache else b""


def _imported(name: str) -> object:
    """RTX may be installed as its bindings alone, without the package that renames them."""
    spellings = (name, f"{name}_bindings") if name == RTX else (name,)
    for spelling in spellings:
        try:
            return importlib.import_module(spelling)
        except ModuleNotFoundError as error:
            if error.name != spelling:
                raise _unloadable(spelling, error) from error
        except (ImportError, OSError) as error:
            raise _unloadable(spelling, error) from error
    if name != RTX and l4t():
        raise EngineError(f"{name} is not installed.", fix=_JETSON)
    raise MissingDependency(name, extra="rtx" if name == RTX else "tensorrt")


def _unloadable(name: str, error: Exception) -> EngineError:
    extra = "rtx" if name.startswith(RTX) else "tensorrt"
    fix = _JETSON if l4t() else f"Run: pip install --force-reinstall 'slsg-edge[{extra}]'"
    return EngineError(f"{name} is installed, but cannot be loaded: {error}.", fix=fix)


@functools.cache
def _logger(module: TensorRtModule) -> Any:
    """One per process: TensorRT keeps the first it was given and ignores every other."""
    base: Any = module.ILogger

    class Logger(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.kept: deque[LogLine] = deque(maxlen=_LONGEST)

        def log(self, severity: Any, msg: str) -> None:
            line = LogLine(severity.name, msg.strip())
            if line.severity in _KEPT and line not in self.kept:
                self.kept.append(line)

    return Logger()


@functools.cache
def _monitor_class(module: TensorRtModule) -> Any:
    base: Any = module.IProgressMonitor

    class Monitor(base):  # type: ignore[misc]
        def __init__(self, observer: Observer) -> None:
            super().__init__()
            self._observer = observer

        def phase_start(self, phase_name: str, parent_phase: str, num_steps: int) -> None:
            self._observer.started(phase_name, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            return self._observer.reached(phase_name, step)

        def phase_finish(self, phase_name: str) -> None:
            self._observer.finished(phase_name)

    return Monitor
