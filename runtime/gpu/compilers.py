"""The compilers of CUDA kernels that a machine may have: NVRTC as a library, nvcc as a program.

Knows nothing about which kernels there are, nor which GPU they are for.
"""

import ctypes
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from slsg_edge.errors import CudaError

Version = tuple[int, int]

_TOOLKITS = Path("/usr/local")
_FIX = "Report it with these lines: without the kernels the CPU prepares frames."


class Compiler(Protocol):
    """What makes programs for a GPU of CUDA sources.

    name: with its version, for people and for the cache.
    version: of the CUDA toolkit that it belongs to.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> Version: ...

    def cubin(self, name: str, sources: Mapping[str, str], options: Sequence[str]) -> bytes:
        """Of `name`, one of `sources`, which are files by name; CudaError with what it says."""


class Nvrtc:
    """NVIDIA's compiler as a library; OSError when `library` is none that loads."""

    def __init__(self, library: str) -> None:
        self._library = ctypes.CDLL(library)
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._call("Version", ctypes.byref(major), ctypes.byref(minor))
        self.version = (major.value, minor.value)
        self.name = f"NVRTC {major.value}.{minor.value}"

    def cubin(self, name: str, sources: Mapping[str, str], options: Sequence[str]) -> bytes:
        headers = [source for source in sources if source != name]
        program = ctypes.c_void_p()
        self._call(
            "CreateProgram",
            ctypes.byref(program),
            sources[name].encode(),
            name.encode(),
            len(headers),
            _strings([sources[header] for header in headers]),
            _strings(headers),
        )
        try:
            if self._library.nvrtcCompileProgram(program, len(options), _strings(options)):
                raise _refusal(self.name, name, self._text("ProgramLog", program).decode())
            return self._text("CUBIN", program)
        finally:
            self._library.nvrtcDestroyProgram(ctypes.byref(program))

    def _text(self, what: str, program: ctypes.c_void_p) -> bytes:
        size = ctypes.c_size_t()
        self._call(f"Get{what}Size", program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        self._call(f"Get{what}", program, text)
        return text.raw

    def _call(self, what: str, *arguments: object) -> None:
        if status := getattr(self._library, f"nvrtc{what}")(*arguments):
            raise CudaError(f"nvrtc{what} gave error {status}.", fix=_FIX)


class Nvcc:
    """NVIDIA's compiler as a program.

    OSError when `program` does not run or does not say its version.
    """

    def __init__(self, program: str) -> None:
        self._program = program
        said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
        release = re.search(r"release (\d+)\.(\d+), V(\S+)", said)
        if release is None:
            raise OSError(f"{program} is no nvcc")
        self.version = (int(release[1]), int(release[2]))
        self.name = f"nvcc {release[3]}"

    def cubin(self, name: str, sources: Mapping[str, str], options: Sequence[str]) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            for file, source in sources.items():
                Path(folder, file).write_text(source)
            command = [self._program, "--cubin", *options, "--output-file", "cubin", name]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                raise _refusal(self.name, name, done.stdout + done.stderr)
            return Path(folder, "cubin").read_bytes()


def installed() -> Iterator[Compiler]:
    """NVRTC first, as nvcc wants a C++ compiler too; a package of pip's before the system's."""
    for library in [
        *_packaged(),
        "libnvrtc.so.13",
        "libnvrtc.so.12",
        *_in_toolkits("lib64/libnvrtc.so"),
    ]:
        with suppress(OSError):
            yield Nvrtc(library)
    for program in [shutil.which("nvcc"), *_in_toolkits("bin/nvcc")]:
        if program is not None:
            with suppress(OSError):
                yield Nvcc(program)


def _packaged() -> list[str]:
    """In what pip installed: `nvidia/cu13/lib`, and `nvidia/cuda_nvrtc/lib` before CUDA 13."""
    package = importlib.util.find_spec("nvidia")
    places = (package and package.submodule_search_locations) or []
    libraries = [path for place in places for path in Path(place).glob("*/lib/libnvrtc.so.*")]
    return [str(path) for path in sorted(libraries, reverse=True)]


def _in_toolkits(file: str) -> list[str]:
    """In CUDA toolkits: the one that the environment names, then the newest."""
    named = [Path(os.environ[name]) for name in ("CUDA_HOME", "CUDA_PATH") if name in os.environ]
    roots = [*named, _TOOLKITS / "cuda", *sorted(_TOOLKITS.glob("cuda-*"), reverse=True)]
    return [str(root / file) for root in roots if (root / file).exists()]


def _strings(texts: Sequence[str]) -> "ctypes.Array[ctypes.c_char_p]":
    return (ctypes.c_char_p * len(texts))(*(text.encode() for text in texts))


def _refusal(compiler: str, name: str, log: str) -> CudaError:
    return CudaError(f"{compiler} does not compile {name}:\n{log.strip()}", fix=_FIX)
