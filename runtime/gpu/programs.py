"""TensorRT as `driver.Runtime` asks for it, over whichever of its runtimes is loaded.

`engine_host_code_allowed` stays at its default, off: an engine may bring code for the GPU, never
for this computer.
"""

from collections.abc import Iterable

from slsg_edge.machine.tensorrt import TensorRt
from slsg_edge.machine.tensorrt_surface import Engine, EngineRuntime, ExecutionContext
from slsg_edge.runtime.gpu.driver import Tensor

_DTYPES = {"UINT8": "uint8", "FLOAT": "float32", "HALF": "float16"}
_PROFILE = 0  # the only one that `build-engine` makes


class TensorRtRuntime:
    """Keep it as long as its programs: TensorRT frees what they stand on with it."""

    def __init__(self, trt: TensorRt, runtime: EngineRuntime) -> None:
        self._trt, self._runtime = trt, runtime

    @property
    def name(self) -> str:
        return f"{self._trt.name} {self._trt.version}"

    def program(self, plan: bytes) -> "EngineProgram | None":
        self._trt.forget()
        engine = self._runtime.deserialize_cuda_engine(plan)
        return None if engine is None else EngineProgram(engine, self._trt)

    def log(self) -> tuple[str, ...]:
        lines = self._trt.lines("INTERNAL_ERROR", "ERROR", "WARNING")
        self._trt.forget()
        return lines


class EngineProgram:
    """TensorRT frees an engine when nobody holds it, its contexts first."""

    def __init__(self, engine: Engine, trt: TensorRt) -> None:
        self._engine: Engine | None = engine
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        self.tensors = tuple(_described(engine, name, trt) for name in names)

    def context(self) -> "EngineContext | None":
        context = self._engine.create_execution_context() if self._engine else None
        return None if context is None else EngineContext(context)

    def free(self) -> None:
        self._engine = None


class EngineContext:
    """Its own memory for what is between input and output."""

    def __init__(self, context: ExecutionContext) -> None:
        self.set_shape = context.set_input_shape
        self.bind = context.set_tensor_address
        self.enqueue = context.execute_async_v3

    def free(self) -> None:
        """Nothing else holds the context."""
        del self.set_shape, self.bind, self.enqueue


def _described(engine: Engine, name: str, trt: TensorRt) -> Tensor:
    is_input = engine.get_tensor_mode(name) == trt.module.TensorIOMode.INPUT
    dtype = engine.get_tensor_dtype(name).name
    bounds = engine.get_tensor_profile_shape(name, _PROFILE) if is_input else []
    smallest, largest = (_numbers(bounds[0]), _numbers(bounds[-1])) if bounds else ((), ())
    return Tensor(
        name=name,
        is_input=is_input,
        dtype=_DTYPES.get(dtype, dtype.lower()),
        shape=_numbers(engine.get_tensor_shape(name)),
        smallest=smallest,
        largest=largest,
    )


def _numbers(shape: Iterable[int]) -> tuple[int, ...]:
    return tuple(int(length) for length in shape)
