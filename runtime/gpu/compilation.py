"""Our kernels as the driver loads them, compiled on the machine that runs them and kept.

A cubin is for one architecture and one generation of CUDA, and what a newer CUDA compiles an older
driver does not load: so none is shipped. Knows nothing about what the kernels do.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path

from slsg_edge.errors import CudaError, StorageError
from slsg_edge.machine.host import cache_folder
from slsg_edge.machine.nvidia import Gpu
from slsg_edge.runtime import kernels
from slsg_edge.runtime.gpu.compilers import Compiler, installed
from slsg_edge.storage import write_atomically

# Without fused multiply-add a GPU rounds as the references do.
COMPILER_OPTIONS = ("--std=c++17", "--fmad=false")

_DIGEST = hashlib.sha256().digest_size


def kernel_images(
    gpu: Gpu, names: Iterable[str], compilers: Callable[[], Iterable[Compiler]] = installed
) -> dict[str, bytes]:
    """Each `kernels/<name>.cu`, compiled for that GPU; CudaError when nothing here can."""
    compiler = compiler_for(gpu, compilers())
    return {name: image_of(f"{name}.cu", gpu.compute_capability, compiler) for name in names}


def compiler_for(gpu: Gpu, compilers: Iterable[Compiler]) -> Compiler:
    """The first whose programs the driver loads."""
    newest = int(gpu.cuda.split(".")[0])
    too_new = []
    for compiler in compilers:
        if compiler.version[0] <= newest:
            return compiler
        too_new.append(compiler.name)
    refused = f" (too new: {', '.join(dict.fromkeys(too_new))})" if too_new else ""
    package = "nvidia-cuda-nvrtc" if newest > 12 else f"nvidia-cuda-nvrtc-cu{newest}"
    raise CudaError(
        f"There is no compiler of kernels for CUDA {gpu.cuda}{refused}.",
        fix=f"Run: pip install {package}",
    )


def image_of(name: str, compute_capability: str, compiler: Compiler) -> bytes:
    """From the cache when the same compiler made the same for the same."""
    sources = source_files()
    needed = {file: sources[file] for file in sources if file == name or file.endswith(".cuh")}
    architecture = f"sm_{compute_capability.replace('.', '')}"
    options = (f"--gpu-architecture={architecture}", *COMPILER_OPTIONS)
    key = _key([compiler.name, name, *options, *(part for pair in needed.items() for part in pair)])
    folder = cache_folder()
    kept_as = f"{Path(name).stem}-{architecture}-{key[:32]}.cubin"
    path = folder / "kernels" / kept_as if folder else None
    if path is not None and (kept := _read(path)):
        return kept
    image = compiler.cubin(name, needed, options)
    if path is not None:
        with suppress(StorageError):  # a read-only disk: compiled anew at every start
            write_atomically(path, hashlib.sha256(image).digest() + image)
    return image


def source_files() -> dict[str, str]:
    """All kernels and their headers, by name."""
    files = sorted(resources.files(kernels).iterdir(), key=lambda file: file.name)
    return {file.name: file.read_text() for file in files if file.name.endswith((".cu", ".cuh"))}


def _read(path: Path) -> bytes:
    """Nothing when it is not there or not what was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return b""
    digest, image = content[:_DIGEST], content[_DIGEST:]
    return image if hashlib.sha256(image).digest() == digest else b""


def _key(parts: Sequence[str]) -> str:
    """Each part with its length, so that none can reach into the next."""
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()
