"""Which engine of a bundle runs here: whole, built for this GPU and this TensorRT.

Knows nothing about how an engine is run.
"""

import importlib.util
import shlex
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from slsg_edge.bundle.engine_record import Fingerprint, fingerprint_of, require_usable
from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.plan import ENGINE_SUFFIX, engine_stem
from slsg_edge.contracts import Precision
from slsg_edge.errors import BundleError, CudaError, MissingDependency, SlsgError, UntrustedBundle
from slsg_edge.machine.nvidia import Gpu, first_gpu
from slsg_edge.machine.tensorrt import FULL, RTX, RUNTIMES, load_runtime
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.gpu.chain import ChainOptions
from slsg_edge.runtime.gpu.compilation import kernel_images
from slsg_edge.runtime.gpu.cuda import open_device
from slsg_edge.runtime.gpu.defect_kernels import DefectKernels
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.gpu.device_kernels import DeviceKernels
from slsg_edge.runtime.gpu.frame_kernels import FrameKernels
from slsg_edge.runtime.gpu.programs import TensorRtRuntime
from slsg_edge.runtime.gpu.resources import Stream
from slsg_edge.runtime.tensorrt import TensorRtDetector


def holds_engine(bundle: Bundle, precision: Precision) -> bool:
    """Whether one was built, for whatever machine."""
    return bool(_engines(bundle, precision))


def engine_for(bundle: Bundle, precision: Precision) -> Path:
    """The file, once its sha256 and its fingerprint were checked.

    BundleError when there is none, CudaError or MissingDependency when this machine runs none;
    UntrustedBundle or StaleBundle when it is not the one that was built; EngineError names both
    sides when each was built for another GPU or TensorRT. Of several faults that of the best
    engine is told: to mend it helps most.
    """
    names = _engines(bundle, precision)
    if not names:
        words = ["slsg-edge", "build-engine", str(bundle.path)]
        raise BundleError(
            f"{bundle.path} holds no {precision} engine.",
            fix=f"Run: {shlex.join([*words, '--precision', precision])}",
        )
    if importlib.util.find_spec("pycuda") is None:
        raise MissingDependency("pycuda", extra="cuda")
    gpu = first_gpu()
    faults: list[SlsgError] = []
    for name in names:
        try:
            return _usable(bundle, name, gpu)
        except UntrustedBundle:
            raise
        except SlsgError as error:
            faults.append(error)
    raise faults[0]


@dataclass(frozen=True, slots=True)
class Engine:
    """What was hashed is what is opened: an engine is a program."""

    plan: bytes = field(repr=False)
    fingerprint: Fingerprint


def engine_from(bundle: Bundle, engine: Path) -> Engine:
    """An engine that `engine_for` gave, read once; UntrustedBundle where it changed since."""
    name = engine.relative_to(bundle.path).as_posix()
    return Engine(bundle.content(name).data, _fingerprint(bundle, name))


def open_engine(
    engine: Engine, preprocessing: Preprocessing, options: ChainOptions | None = None
) -> TensorRtDetector:
    """Ready for its first frame, for the calling thread."""
    fingerprint, plan = engine.fingerprint, engine.plan
    runtime = TensorRtRuntime(*load_runtime(_runtimes(fingerprint)))
    with ExitStack() as stack:
        device = stack.enter_context(open_device())
        label = f"{runtime.name} {fingerprint.options.precision} on {device.gpu.name}"
        kernels, refusal = kernels_for(device.gpu, preprocessing)
        if refusal:
            label = f"{label}, frames prepared by the CPU: {refusal}"
        detector = TensorRtDetector(
            device, runtime, plan, preprocessing, options, label, kernels.frames, kernels.defects
        )
        stack.pop_all()  # the detector closes the device from now on
    return detector


@dataclass(frozen=True, slots=True)
class Kernels:
    """Our own kernels, to be loaded on a device; where one is None the CPU does its work.

    frames: prepare frames and check maps.
    defects: find defects and draw overlays.
    """

    frames: Callable[[Device], FrameKernels] | None = None
    defects: Callable[[Device, Stream], DefectKernels] | None = None


def kernels_for(gpu: Gpu, preprocessing: Preprocessing) -> tuple[Kernels, str | None]:
    """All compiled now, so that nobody waits for it later; or none and why."""
    try:
        images = kernel_images(gpu, (*DeviceKernels.SOURCES, *DefectKernels.SOURCES))
    except CudaError as error:
        return Kernels(), str(error)
    region = replace(preprocessing, roi=None)  # which the detector cuts out
    return Kernels(
        lambda device: DeviceKernels(device, preprocessing, images),
        lambda device, stream: DefectKernels(device, stream, region, images),
    ), None


def _usable(bundle: Bundle, name: str, gpu: Gpu) -> Path:
    engine = bundle.file(name)
    fingerprint = _fingerprint(bundle, name)
    trt, _ = load_runtime(_runtimes(fingerprint))
    family = RTX if trt.name == RTX else FULL
    builder = next(
        stage for stage, record in bundle.manifest.stages.items() if name in record.outputs
    )
    require_usable(fingerprint, engine, family, trt.version, gpu, bundle.command_of(builder))
    return engine


def _fingerprint(bundle: Bundle, name: str) -> Fingerprint:
    return fingerprint_of(bundle.content(Path(name).with_suffix(".json").as_posix()))


def _engines(bundle: Bundle, precision: Precision) -> list[str]:
    """Their names in the bundle, the best first."""
    names = [name for stage in bundle.manifest.stages.values() for name in stage.outputs]
    # built for this very GPU; others are portable and slower
    best = f"{engine_stem('current', precision)}{ENGINE_SUFFIX}"
    fitting = [name for name in names if name.endswith(f"-{precision}{ENGINE_SUFFIX}")]
    return sorted(fitting, key=lambda name: (name != best, name))


def _runtimes(fingerprint: Fingerprint) -> tuple[str, ...]:
    if fingerprint.tensorrt == RTX:
        return (RTX,)
    return tuple(name for name in RUNTIMES if name != RTX)
