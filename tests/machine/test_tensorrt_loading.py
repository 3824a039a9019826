"""Finding TensorRT, in its versions and under its names; the modules are made up."""

import re
import sys
import types

import pytest

from slsg_edge.errors import CudaError, EngineError, MissingDependency
from slsg_edge.machine import tensorrt as tensorrt_api
from slsg_edge.machine.tensorrt import FULL, RTX, TensorRt, complete, load_runtime, load_tensorrt


@pytest.fixture
def pretend(monkeypatch):
    """A module called `name` of some version; None makes it missing."""

    def install(name: str, version: str | None) -> None:
        module = None
        if version is not None:
            module = types.ModuleType(name)
            vars(module)["__version__"] = version
        monkeypatch.setitem(sys.modules, name, module)

    return install


@pytest.mark.parametrize("version", ["10.3.0", "10.16.1.11", "11.4.0.106", "8.6.1"])
def test_supported_versions_load(pretend, version):
    pretend("tensorrt", version)
    assert load_tensorrt(FULL).version == version


@pytest.mark.parametrize("version", ["10.2.0", "10.2.0.post1", "8.5.3.1", "7.2"])
def test_known_bad_and_old_versions_are_refused(pretend, version):
    pretend("tensorrt", version)
    with pytest.raises(EngineError, match=rf"{re.escape(version)}.*Install 10\.3"):
        load_tensorrt(FULL)


@pytest.mark.parametrize(("name", "extra"), [(FULL, "tensorrt"), (RTX, "rtx")])
def test_a_missing_package_names_its_extra(monkeypatch, name, extra):
    monkeypatch.setattr(sys, "path", [])
    for spelling in (name, f"{name}_bindings"):
        monkeypatch.delitem(sys.modules, spelling, raising=False)
    with pytest.raises(MissingDependency, match=rf"slsg-edge\[{extra}\]"):
        load_tensorrt(name)


def test_on_a_jetson_the_system_brings_tensorrt(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, FULL, raising=False)
    monkeypatch.setattr(tensorrt_api, "l4t", lambda: "36.4.0")
    with pytest.raises(EngineError, match="apt install python3-libnvinfer"):
        load_tensorrt(FULL)


def test_bindings_without_their_libraries_say_so(tmp_path, monkeypatch):
    (tmp_path / "tensorrt.py").write_text("import ctypes; ctypes.CDLL('libnvinfer.so.10')")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, FULL, raising=False)
    with pytest.raises(EngineError, match=r"cannot be loaded: libnvinfer\.so\.10"):
        load_tensorrt(FULL)


def test_the_bindings_alone_serve_as_rtx(pretend):
    pretend("tensorrt_rtx_bindings", "1.7.1.116")
    pretend(RTX, None)
    found = load_tensorrt(RTX)
    assert (found.name, found.family) == (RTX, "rtx")


def test_no_runtime_is_made_without_a_driver(pretend, monkeypatch):
    pretend("tensorrt", "10.3.0")
    monkeypatch.setattr("slsg_edge.machine.nvidia.DRIVER", "no-such-driver.so")
    with pytest.raises(CudaError, match=r"no-such-driver\.so cannot be loaded"):
        load_runtime()


def test_the_first_runtime_that_is_installed_is_taken(pretend, monkeypatch):
    monkeypatch.setattr(tensorrt_api, "gpu_count", lambda: 1)
    made = types.SimpleNamespace(
        __version__="11.4.0", ILogger=object, Runtime=lambda logger: "runtime"
    )
    monkeypatch.setitem(sys.modules, "tensorrt_dispatch", made)
    for name in ("tensorrt", "tensorrt_lean"):
        sys.modules.pop(name, None)
    monkeypatch.setattr(tensorrt_api, "_logger", lambda module: None)
    found, runtime = load_runtime(("tensorrt_absent", "tensorrt_dispatch", RTX))
    assert (found.name, runtime) == ("tensorrt_dispatch", "runtime")


def test_eight_six_is_driven_by_flags(pretend):
    flags = types.SimpleNamespace(EXPLICIT_BATCH=0)
    old = TensorRt(FULL, types.SimpleNamespace(NetworkDefinitionCreationFlag=flags))
    assert not old.strongly_typed
    assert tensorrt_api.network_flags(old) == 1


def test_a_name_that_tensorrt_lacks_is_no_mistake_of_ours(pretend):
    pretend("tensorrt", "12.0.0")
    found = load_tensorrt(FULL)
    with (
        pytest.raises(EngineError, match=r"12\.0\.0 lacks .*'NetworkDefinitionCreationFlag'"),
        complete(found),
    ):
        tensorrt_api.network_flags(found)
    with pytest.raises(AttributeError), complete(found):
        raise AttributeError(obj=object(), name="missing")
