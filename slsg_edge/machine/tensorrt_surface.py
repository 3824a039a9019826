"""What this package uses of TensorRT's Python API, and nothing else: types without TensorRT.

mypy refuses any other name, and a test looks every name up in the real bindings of each
supported version. `SURFACE` says what a class here is called there, `NOT_EVERYWHERE` what some
version lacks; only `machine/tensorrt.py` may ask which.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Member(Protocol):
    """A member of one of TensorRT's enumerations."""

    name: str

    def __int__(self) -> int: ...


class NetworkTensor(Protocol):
    name: str
    dtype: Member
    shape: Iterable[int]


class Layer(Protocol):
    name: str
    type: Member
    metadata: str
    num_inputs: int
    num_outputs: int

    def get_input(self, index: int) -> NetworkTensor | None: ...
    def get_output(self, index: int) -> NetworkTensor: ...


class NetworkDefinition(Protocol):
    num_layers: int
    num_inputs: int
    num_outputs: int

    def get_layer(self, index: int) -> Layer: ...
    def get_input(self, index: int) -> NetworkTensor: ...
    def get_output(self, index: int) -> NetworkTensor: ...


class ParserError(Protocol):
    def desc(self) -> str: ...
    def node_name(self) -> str: ...
    def node_operator(self) -> str: ...


class Parser(Protocol):
    num_errors: int

    def parse(self, model: bytes) -> bool: ...
    def get_error(self, index: int) -> ParserError: ...


class Profile(Protocol):
    def set_shape(
        self, input: str, min: tuple[int, ...], opt: tuple[int, ...], max: tuple[int, ...]
    ) -> None: ...


class TimingCache(Protocol):
    def serialize(self) -> "Buffer": ...


class Config(Protocol):
    progress_monitor: object
    profiling_verbosity: Member
    default_device_type: Member
    DLA_core: int
    num_compute_capabilities: int

    def set_compute_capability(self, compute_capability: Member, index: int) -> bool: ...
    def set_memory_pool_limit(self, pool: Member, pool_size: int) -> None: ...
    def set_flag(self, flag: Member) -> None: ...
    def clear_flag(self, flag: Member) -> None: ...
    def add_optimization_profile(self, profile: Profile) -> int: ...
    def create_timing_cache(self, serialized_timing_cache: bytes) -> TimingCache | None: ...
    def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool: ...
    def get_timing_cache(self) -> TimingCache | None: ...


class EngineBuilder(Protocol):
    num_DLA_cores: int

    def create_network(self, flags: int) -> NetworkDefinition: ...
    def create_builder_config(self) -> Config: ...
    def create_optimization_profile(self) -> Profile: ...
    def build_serialized_network(
        self, network: NetworkDefinition, config: Config
    ) -> "Buffer | None": ...


class Inspector(Protocol):
    def get_engine_information(self, format: Member) -> str: ...


class ExecutionContext(Protocol):
    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool: ...
    def set_tensor_address(self, name: str, memory: int) -> bool: ...
    def execute_async_v3(self, stream_handle: int) -> bool: ...


class Engine(Protocol):
    num_io_tensors: int

    def create_engine_inspector(self) -> Inspector: ...
    def create_execution_context(self) -> ExecutionContext | None: ...
    def get_tensor_name(self, index: int) -> str: ...
    def get_tensor_mode(self, name: str) -> Member: ...
    def get_tensor_dtype(self, name: str) -> Member: ...
    def get_tensor_shape(self, name: str) -> Iterable[int]: ...
    def get_tensor_profile_shape(
        self, name: str, profile_index: int
    ) -> Sequence[Iterable[int]]: ...


class EngineRuntime(Protocol):
    def deserialize_cuda_engine(self, serialized_engine: bytes) -> Engine | None: ...


class BuilderFlags(Protocol):
    GPU_FALLBACK: Member
    FP16: Member
    INT8: Member
    TF32: Member


class CreationFlags(Protocol):
    STRONGLY_TYPED: Member
    EXPLICIT_BATCH: Member


class MemoryPools(Protocol):
    WORKSPACE: Member


class DeviceTypes(Protocol):
    DLA: Member


class Verbosities(Protocol):
    DETAILED: Member


class InformationFormats(Protocol):
    JSON: Member


class TensorModes(Protocol):
    INPUT: Member


class Capabilities(Protocol):
    __members__: Mapping[str, Member]


class TensorRtModule(Protocol):
    """`import tensorrt` or one of its siblings."""

    __version__: str
    # TensorRT calls back into what is derived from these, which no Protocol can be.
    ILogger: Any
    IProgressMonitor: Any
    Builder: Callable[[object], EngineBuilder]
    OnnxParser: Callable[[NetworkDefinition, object], Parser]
    Runtime: Callable[[object], EngineRuntime]
    BuilderFlag: BuilderFlags
    NetworkDefinitionCreationFlag: CreationFlags
    MemoryPoolType: MemoryPools
    DeviceType: DeviceTypes
    ProfilingVerbosity: Verbosities
    LayerInformationFormat: InformationFormats
    TensorIOMode: TensorModes
    ComputeCapability: Capabilities

    def __hash__(self) -> int: ...


SURFACE: dict[str, type] = {
    "": TensorRtModule,
    "Builder": EngineBuilder,
    "BuilderFlag": BuilderFlags,
    "ComputeCapability": Capabilities,
    "DeviceType": DeviceTypes,
    "EngineInspector": Inspector,
    "IBuilderConfig": Config,
    "ICudaEngine": Engine,
    "IExecutionContext": ExecutionContext,
    "ILayer": Layer,
    "INetworkDefinition": NetworkDefinition,
    "IOptimizationProfile": Profile,
    "ITensor": NetworkTensor,
    "ITimingCache": TimingCache,
    "LayerInformationFormat": InformationFormats,
    "MemoryPoolType": MemoryPools,
    "NetworkDefinitionCreationFlag": CreationFlags,
    "OnnxParser": Parser,
    "ParserError": ParserError,
    "ProfilingVerbosity": Verbosities,
    "Runtime": EngineRuntime,
    "TensorIOMode": TensorModes,
}

Family: TypeAlias = str  # "8", "10", "11" or "rtx"
NOT_EVERYWHERE: dict[str, tuple[Family, ...]] = {
    "IProgressMonitor": ("10", "11", "rtx"),
    "IBuilderConfig.progress_monitor": ("10", "11", "rtx"),
    "NetworkDefinitionCreationFlag.STRONGLY_TYPED": ("10", "11", "rtx"),
    "NetworkDefinitionCreationFlag.EXPLICIT_BATCH": ("8", "10"),
    "BuilderFlag.FP16": ("8", "10"),
    "BuilderFlag.INT8": ("8", "10"),
    "ParserError.node_name": ("10", "11", "rtx"),
    "ParserError.node_operator": ("10", "11", "rtx"),
    "ComputeCapability": ("rtx",),
    "ComputeCapability.__members__": ("rtx",),
    "IBuilderConfig.num_compute_capabilities": ("rtx",),
    "IBuilderConfig.set_compute_capability": ("rtx",),
}
