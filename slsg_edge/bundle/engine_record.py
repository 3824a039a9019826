"""What an engine is and where it runs: written beside it, checked before it is opened.

An engine is a program for one kind of GPU and one TensorRT. Imports neither.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bundle.digests import Content
from slsg_edge.config import json_from, settings_from_table, without_none
from slsg_edge.contracts import Precision
from slsg_edge.errors import BundleError, ConfigError, EngineError
from slsg_edge.machine.nvidia import Gpu

# What NVIDIA documents for a portable engine: 8.0 and later, so Turing only where it is named.
_LIMIT = 16 * 2**20  # bytes: the layers of an engine take some 100 KB
_PORTABLE_FROM = (8, 0)


@dataclass(frozen=True, slots=True)
class IoTensor:
    """An input or output; -1 stands for a dimension that is chosen at run time."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LayerCount:
    """How many layers of a kind compute in a type."""

    kind: str
    dtype: str
    count: int


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What was asked for. `targets` are compute capabilities as in `sm86`, none: any.

    `batches` are the smallest, the usual and the largest; none where the graph fixes it.
    """

    precision: Precision
    workspace_mb: int
    targets: tuple[str, ...] = ()
    batches: tuple[int, ...] = ()
    dla_core: int | None = None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`gpu` is None for a portable engine, which is not tied to the one it was built beside.

    `opened` tells whether the built engine's own layers were seen, not only the network's.
    `fp32_layers` are the convolutions and matrix products that compute in FP32.
    """

    tensorrt: str
    version: str
    onnx_sha256: str
    options: EngineOptions
    layers: tuple[LayerCount, ...]
    fp32_layers: tuple[str, ...]
    inputs: tuple[IoTensor, ...]
    outputs: tuple[IoTensor, ...]
    opened: bool
    seconds: float
    size: int
    peak_mb: float
    gpu: Gpu | None = None

    def to_bytes(self) -> bytes:
        return json.dumps(dataclasses.asdict(self), indent=1).encode()

    @property
    def built_for(self) -> str:
        """For people, as in `Orin (8.7)`."""
        if self.gpu is not None:
            return str(self.gpu)
        return ", ".join(self.options.targets) or "RTX GPUs from 8.0"


def fingerprint_of(record: Content) -> Fingerprint:
    """Of the file that lies beside an engine; BundleError when it is damaged."""
    path = record.path
    try:
        table = json_from(record.data, _LIMIT)
        return settings_from_table(Fingerprint, without_none(table), path.name)
    except (ValueError, TypeError, AttributeError, ConfigError) as error:
        raise BundleError(f"{path} is damaged: {error}", fix="Build the engine again.") from error


def require_usable(
    fingerprint: Fingerprint, engine: Path, tensorrt: str, version: str, gpu: Gpu, rebuild: str
) -> None:
    """EngineError unless the engine was built for this TensorRT and this GPU.

    `tensorrt` is `tensorrt` or `tensorrt_rtx`; `rebuild` is the command that mends it. Both
    kinds of engine want the very version that built them; one of full TensorRT wants the very
    model of GPU as well.
    """
    built = f"{fingerprint.tensorrt} {fingerprint.version}"
    here = f"{tensorrt} {version}"
    if built != here:
        raise _elsewhere(engine, built, here, rebuild)
    if not _runs_on(fingerprint, gpu):
        raise _elsewhere(engine, fingerprint.built_for, str(gpu), rebuild)


def _runs_on(fingerprint: Fingerprint, gpu: Gpu) -> bool:
    if fingerprint.gpu is None:
        return runs_rtx(fingerprint.options.targets, gpu.compute_capability)
    return str(fingerprint.gpu) == str(gpu)


def runs_rtx(targets: tuple[str, ...], compute_capability: str) -> bool:
    """Whether a GPU of `8.6` runs an engine for `sm86`, or for any when there are no targets."""
    if targets:
        return f"sm{compute_capability.replace('.', '')}" in targets
    return tuple(map(int, compute_capability.split("."))) >= _PORTABLE_FROM


def _elsewhere(engine: Path, built: str, here: str, rebuild: str) -> EngineError:
    return EngineError(
        f"{engine} was built for {built}, but this is {here}.", fix=f"Run: {rebuild}"
    )
