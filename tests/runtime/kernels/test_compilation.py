import pytest

from slsg_edge.errors import CudaError
from slsg_edge.machine.nvidia import Gpu
from slsg_edge.runtime.gpu.compilation import compiler_for, image_of, kernel_images, source_files
from slsg_edge.runtime.gpu.compilers import Nvcc, installed
from slsg_edge.runtime.gpu.defect_kernels import DefectKernels
from slsg_edge.runtime.gpu.device_kernels import DeviceKernels

ARCHITECTURES = ["7.5", "8.0", "8.6", "8.7", "8.9", "9.0", "10.0", "11.0", "12.0"]
ORIN = Gpu("Orin", "8.7", "12.6")
NAMES = [*DeviceKernels.SOURCES, *DefectKernels.SOURCES]


class Compiler:
    """Writes down what it is asked for."""

    def __init__(self, name="NVRTC 12.6", version=(12, 6)):
        self.name, self.version = name, version
        self.asked = []

    def cubin(self, name, sources, options):
        self.asked.append((name, set(sources), tuple(options)))
        return f"{self.name} {name} {options}".encode()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_the_package_brings_every_kernel_that_is_asked_for():
    assert {f"{name}.cu" for name in NAMES} == {
        name for name in source_files() if name.endswith(".cu")
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_kernel_compiles_for_every_gpu_without_a_warning(cache, name, architecture):
    nvcc = next((one for one in installed() if isinstance(one, Nvcc)), None)
    if nvcc is None:
        pytest.skip("there is no nvcc")
    if architecture in ("10.0", "11.0", "12.0") and nvcc.version < (13, 0):
        pytest.skip(f"{nvcc.name} does not know that GPU")
    sources = source_files()
    options = [f"--gpu-architecture=sm_{architecture.replace('.', '')}", "--std=c++17"]
    image = nvcc.cubin(f"{name}.cu", sources, [*options, "--Werror", "all-warnings"])
    assert image.startswith(b"\x7fELF")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_installed_here_compiles_the_kernels_once(cache, name):
    compiler = next(installed(), None)
    if compiler is None:
        pytest.skip("there is neither NVRTC nor nvcc")
    image = image_of(f"{name}.cu", "8.7", compiler)
    assert image.startswith(b"\x7fELF")
    silent = Compiler(compiler.name)
    assert image_of(f"{name}.cu", "8.7", silent) == image
    assert silent.asked == []


def test_a_compiler_says_why_it_refuses():
    compiler = next(installed(), None)
    if compiler is None:
        pytest.skip("there is neither NVRTC nor nvcc")
    with pytest.raises(CudaError, match=r"does not compile a\.cu:\n(.|\n)*nonsense"):
        compiler.cubin("a.cu", {"a.cu": "nonsense"}, ["--gpu-architecture=sm_87"])


def test_kernels_are_compiled_for_the_gpu_and_kept(cache):
    compiler = Compiler()
    first = kernel_images(ORIN, ["preprocess", "finite"], lambda: [compiler])
    assert kernel_images(ORIN, ["preprocess", "finite"], lambda: [compiler]) == first
    headers = {"axis.cuh", "formats.cuh"}
    options = ("--gpu-architecture=sm_87", "--std=c++17", "--fmad=false")
    assert compiler.asked == [
        ("preprocess.cu", {"preprocess.cu", *headers}, options),
        ("finite.cu", {"finite.cu", *headers}, options),
    ]


def test_another_gpu_compiler_or_source_is_compiled_anew(cache, monkeypatch):
    first, second = Compiler(), Compiler("NVRTC 12.8", (12, 8))
    image_of("finite.cu", "8.7", first)
    image_of("finite.cu", "8.6", first)
    image_of("finite.cu", "8.7", second)
    changed = source_files() | {"axis.cuh": "// another"}
    monkeypatch.setattr("slsg_edge.runtime.gpu.compilation.source_files", lambda: changed)
    image_of("finite.cu", "8.7", first)
    assert (len(first.asked), len(second.asked)) == (3, 1)
    assert len(list((cache / "slsg-edge/kernels").iterdir())) == 4


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 200])
def test_a_damaged_file_in_the_cache_is_made_anew(cache, damage):
    compiler = Compiler()
    image = image_of("finite.cu", "8.7", compiler)
    (kept,) = (cache / "slsg-edge/kernels").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(damage)
    assert image_of("finite.cu", "8.7", compiler) == image
    assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    compiler = Compiler()
    assert image_of("finite.cu", "8.7", compiler) == image_of("finite.cu", "8.7", compiler)
    assert len(compiler.asked) == 2


def test_an_account_without_a_home_compiles_without_a_cache(monkeypatch):
    def no_home(cls):
        raise RuntimeError("no home")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", classmethod(no_home))
    assert image_of("finite.cu", "8.7", Compiler())


def test_a_compiler_newer_than_the_driver_is_passed_over():
    new, old = Compiler("NVRTC 13.0", (13, 0)), Compiler("nvcc 12.8", (12, 8))
    assert compiler_for(ORIN, [new, old]) is old
    assert compiler_for(Gpu("Thor", "11.0", "13.0"), [new, old]) is new


def test_without_a_compiler_the_error_names_the_package_for_that_driver():
    new = Compiler("NVRTC 13.0", (13, 0))
    with pytest.raises(CudaError, match=r"CUDA 12\.6 \(too new: NVRTC 13\.0\)") as caught:
        compiler_for(ORIN, [new, new])
    assert caught.value.fix == "Run: pip install nvidia-cuda-nvrtc-cu12"
    with pytest.raises(CudaError, match=r"CUDA 13\.0\.") as caught:
        compiler_for(Gpu("Thor", "11.0", "13.0"), [])
    assert caught.value.fix == "Run: pip install nvidia-cuda-nvrtc"


def test_a_program_that_is_no_nvcc_is_passed_over(tmp_path):
    program = tmp_path / "nvcc"
    program.write_text("#!/bin/sh\necho nothing")
    program.chmod(0o755)
    with pytest.raises(OSError, match="is no nvcc"):
        Nvcc(str(program))
