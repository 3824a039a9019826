"""An engine on a device: its ends are those of the exported graph, or it is refused.

Knows nothing about frames and how they get to model resolution.
"""

from dataclasses import dataclass

from slsg_edge.contracts import GRAPH_INPUT, GRAPH_OUTPUTS
from slsg_edge.errors import EngineError
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.gpu.device import Device
from slsg_edge.runtime.gpu.driver import Address, ExecutionContext, Runtime, Tensor
from slsg_edge.runtime.gpu.resources import Resource, Stream

_BUILD = "Build it again on this machine: slsg-edge build-engine"
_DYNAMIC = -1


@dataclass(frozen=True, slots=True)
class Bindings:
    """Where a batch lies on the GPU: uint8 (N, H, W, 3), float32 (N, H, W) and (N,)."""

    frames: Address
    maps: Address
    scores: Address


class EngineNetwork:
    """An engine that was loaded and fits the exported graph.

    largest: the most frames that one batch may have; one frame always may.
    """

    def __init__(self, device: Device, runtime: Runtime, plan: bytes, spec: Preprocessing) -> None:
        """EngineError, with TensorRT's own lines, for a plan that it refuses or that is another."""
        self._device, self._runtime = device, runtime
        program = device.call("Loading the engine", runtime.program, plan)
        if program is None:
            raise self.error(f"{runtime.name} refuses the engine.")
        self._program = device.keep(program)
        self.largest = _checked(program.tensors, spec)
        self._shape = (spec.height, spec.width, 3)

    @property
    def runtime(self) -> str:
        return self._runtime.name

    def inference(self, bindings: Bindings, batch: int) -> "Inference":
        """Has a context of its own: TensorRT forbids to change one whose work was captured."""
        context = self._device.call("Making a context", self._program.handle.context)
        if context is None:
            raise self.error(f"{self.runtime} makes no execution context.")
        kept = self._device.keep(context)
        addresses = (bindings.frames, bindings.maps, bindings.scores)
        accepted = context.set_shape(GRAPH_INPUT, (batch, *self._shape)) and all(
            context.bind(name, address)
            for name, address in zip((GRAPH_INPUT, *GRAPH_OUTPUTS), addresses, strict=True)
        )
        if not accepted:
            raise self.error(f"{self.runtime} takes no batch of {batch}.")
        return Inference(self, kept)

    def error(self, what: str) -> EngineError:
        return EngineError(what, fix=_BUILD, log=self._runtime.log())


class Inference:
    """The network at one batch size, from and to fixed places on the GPU."""

    def __init__(self, network: EngineNetwork, context: Resource[ExecutionContext]) -> None:
        self._network, self._context = network, context

    def enqueue(self, stream: Stream) -> None:
        """EngineError when TensorRT refuses; what fails on the GPU shows at the next wait."""
        context = self._context
        if not context.device.call("Inference", context.handle.enqueue, stream.number):
            raise self._network.error(f"{self._network.runtime} does not run the engine.")


def _checked(tensors: tuple[Tensor, ...], spec: Preprocessing) -> int:
    """The largest batch; EngineError when the ends are not those of the exported graph."""
    by_name = {tensor.name: tensor for tensor in tensors}
    size = (spec.height, spec.width)
    due = {
        GRAPH_INPUT: ("uint8", (*size, 3), True),
        GRAPH_OUTPUTS[0]: ("float32", size, False),
        GRAPH_OUTPUTS[1]: ("float32", (), False),
    }
    fits = by_name.keys() == due.keys() and all(
        (tensor.dtype, tensor.shape[1:], tensor.is_input) == due[name]
        for name, tensor in by_name.items()
    )
    largest = _largest_batch(by_name[GRAPH_INPUT]) if fits else 0
    if not largest:
        raise EngineError(
            f"The engine has {', '.join(map(str, tensors)) or 'no ends'}, where {GRAPH_INPUT} "
            f"uint8 (N, {spec.height}, {spec.width}, 3), {GRAPH_OUTPUTS[0]} float32 "
            f"(N, {spec.height}, {spec.width}) and {GRAPH_OUTPUTS[1]} float32 (N,) from one frame "
            "upwards are due.",
            fix=_BUILD,
        )
    return largest


def _largest_batch(frames: Tensor) -> int:
    """0 for an engine that takes no single frame."""
    if frames.shape[0] != _DYNAMIC:
        return int(frames.shape[0] == 1)
    return frames.largest[0] if frames.smallest[:1] == (1,) else 0
