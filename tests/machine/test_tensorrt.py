"""Every name of TensorRT that this package uses is there in each version that it serves.

The bindings are real; the libraries behind them are empty, so nothing is ever built here.
"""

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from slsg_edge.machine.tensorrt_surface import NOT_EVERYWHERE, SURFACE

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("SLSG_TENSORRT_WHEELS", ROOT / "build/tensorrt-bindings"))
FETCH = "fetch them: python tests/fetch_tensorrt_bindings.py build/tensorrt-bindings"
THIS_PYTHON = f"-cp{sys.version_info.major}{sys.version_info.minor}-"
BINDINGS = sorted(path.name for path in FOLDER.glob("*.whl") if THIS_PYTHON in path.name)

DRIVERS = ("export/engine.py", "export/precision_proof.py", "runtime/gpu/programs.py")
USERS = ("slsg_edge/machine/tensorrt.py", *DRIVERS)
CONSTRUCTED = {
    "Builder": ["logger"], "OnnxParser": ["network", "logger"], "Runtime": ["logger"],
    "ILogger": [], "IProgressMonitor": [],
}  # fmt: skip
CALLED_BACK = {
    "ILogger.log": 2, "IProgressMonitor.phase_start": 3,
    "IProgressMonitor.step_complete": 2, "IProgressMonitor.phase_finish": 1,
}  # fmt: skip
ASSIGNED = (
    "progress_monitor", "profiling_verbosity", "default_device_type", "DLA_core",
    "num_compute_capabilities",
)  # fmt: skip

# Prints, for each dotted name, null when it is not there, else its documentation and whether a
# property can be assigned.
LOOK_UP = """
import functools, importlib, json, sys
trt = importlib.import_module(sys.argv[1])
found = {}
for name in json.load(sys.stdin):
    try:
        thing = functools.reduce(getattr, name.split("."), trt)
    except AttributeError:
        found[name] = None
        continue
    found[name] = [str(thing.__doc__), getattr(thing, "fset", None) is not None]
print(json.dumps({"version": trt.__version__, "names": found}))
"""


def members(protocol: type) -> set[str]:
    own = {name for name in vars(protocol) if not name.startswith("_")}
    noted = {name for name in protocol.__annotations__ if name not in ("__hash__",)}
    return own | noted


def used_names() -> set[str]:
    """Dotted, as in `IBuilderConfig.set_flag`."""
    return {
        f"{owner}.{name}" if owner else name
        for owner, protocol in SURFACE.items()
        for name in members(protocol)
    }


def empty_libraries(extension: Path, folder: Path) -> None:
    """Libraries with every function that the bindings want, none of which does anything."""
    folder.mkdir()
    symbols = subprocess.run(
        ["nm", "-D", "--undefined-only", extension], capture_output=True, text=True, check=True
    )
    known = re.compile(r"@|^_?_?Py|^_Z(S|NS|NKS|T)|^__|^_ITM|^_Unwind")
    names = {line.split()[-1] for line in symbols.stdout.splitlines()}
    ours = {n for n in names if not known.search(n) or re.match(r"_Z.*(nvinfer1|nvonnx)", n)}
    needed = subprocess.run(
        ["readelf", "-d", extension], capture_output=True, text=True, check=True
    ).stdout
    code = "".join(f"void *{name}(void) {{ return 0; }}\n" for name in sorted(ours))
    for library in re.findall(r"\[(lib(?:nv|tensorrt)\S+)\]", needed):
        compiler = ["gcc", "-shared", "-fPIC", "-w", "-x", "c", "-", f"-Wl,-soname,{library}"]
        subprocess.run([*compiler, "-o", folder / library], input=code, text=True, check=True)
        code = "int unused;\n"


@pytest.fixture(scope="session")
def looked_up(tmp_path_factory):
    """What the bindings of one wheel have of the names that this package uses."""
    kept = {}

    def look_up(wheel: str):
        if wheel not in kept:
            home = tmp_path_factory.mktemp("bindings")
            zipfile.ZipFile(FOLDER / wheel).extractall(home)
            (extension,) = home.glob("tensorrt*_bindings/tensorrt*.so")
            empty_libraries(extension, home / "libraries")
            names = used_names() | set(CALLED_BACK)
            names |= {f"{name}.__init__" for name in CONSTRUCTED}
            run = subprocess.run(
                [sys.executable, "-c", LOOK_UP, extension.parent.name],
                env={
                    **os.environ,
                    "PYTHONPATH": str(home),
                    "LD_LIBRARY_PATH": str(home / "libraries"),
                },
                input=json.dumps(sorted(names)),
                capture_output=True,
                text=True,
                check=True,
            )
            kept[wheel] = json.loads(run.stdout)
        return kept[wheel]

    return look_up


def family(wheel: str, version: str) -> str:
    return "rtx" if "rtx" in wheel else version.partition(".")[0]


def parameters(documentation: str) -> list[str]:
    """Of the first signature that pybind writes into a docstring, without self."""
    line = next(line for line in documentation.splitlines() if "->" in line)
    inside = re.sub(r"\[[^\[\]]*\]", "", line[line.index("(") + 1 : line.rindex(")")])
    return [part.split(":")[0].strip() for part in inside.split(", ")][1:]


NO_BINDINGS = [pytest.param("", marks=pytest.mark.skip(reason=FETCH))]


@pytest.fixture(params=BINDINGS or NO_BINDINGS)
def bindings(request, looked_up):
    """Family and names of each wheel."""
    found = looked_up(request.param)
    return family(request.param, found["version"]), found["names"]


def test_every_name_that_is_used_exists(bindings):
    version, names = bindings
    for name in used_names():
        claimed = name not in NOT_EVERYWHERE or version in NOT_EVERYWHERE[name]
        assert not claimed or names[name], f"{name} is not in {version}"


def test_what_some_version_is_said_to_lack_is_really_guarded_for(bindings):
    version, names = bindings
    for name, families in NOT_EVERYWHERE.items():
        early_rtx = version == "rtx" and name in ("BuilderFlag.FP16", "BuilderFlag.INT8")
        dead = name.endswith("EXPLICIT_BATCH") and version == "rtx"  # 1.4 still had them
        if version not in families and not early_rtx and not dead:
            assert names[name] is None, f"{name} is in {version} after all"


def test_methods_take_what_they_are_given(bindings):
    _, names = bindings
    for owner, protocol in SURFACE.items():
        for name, method in vars(protocol).items():
            found = names.get(f"{owner}.{name}")
            if inspect.isfunction(method) and found and not name.startswith("_"):
                wanted = list(inspect.signature(method).parameters)[1:]
                assert parameters(found[0])[: len(wanted)] == wanted, f"{owner}.{name}"


def test_constructors_and_callbacks_are_as_expected(bindings):
    _, names = bindings
    for name, wanted in CONSTRUCTED.items():
        if found := names[f"{name}.__init__"]:
            assert parameters(found[0]) == wanted, name
    for name, count in CALLED_BACK.items():
        if found := names[name]:
            assert len(parameters(found[0])) == count, name


def test_what_is_assigned_can_be_assigned(bindings):
    _, names = bindings
    for name in ASSIGNED:
        found = names[f"IBuilderConfig.{name}"]
        assert found is None or found[1], name


def test_every_supported_family_is_among_the_bindings(looked_up):
    if not BINDINGS:
        pytest.skip(FETCH)
    versions = [looked_up(wheel)["version"] for wheel in BINDINGS]
    for wanted in ("10.3", "10.16", "11.4"):
        assert any(version.startswith(wanted) for version in versions)


def test_nothing_is_listed_that_no_code_uses():
    used = set()
    for path in USERS:
        tree = ast.parse((ROOT / path).read_text())
        used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    # asked for by their own names, with hasattr or by a subclass
    for owner, protocol in SURFACE.items():
        assert members(protocol) <= used, f"{owner}: {members(protocol) - used}"


def test_only_one_module_asks_which_version_it_is():
    for path in DRIVERS:
        tree = ast.parse((ROOT / path).read_text())
        called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and
                  isinstance(n.func, ast.Name)}  # fmt: skip
        assert not called & {"getattr", "hasattr", "load_tensorrt"}, path


def test_what_is_asked_for_with_hasattr_is_listed():
    tree = ast.parse((ROOT / USERS[0]).read_text())
    asked = {
        node.args[1].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        and node.func.id == "hasattr"
    }  # fmt: skip
    listed = {name.rpartition(".")[2] for name in NOT_EVERYWHERE}
    assert asked
    assert asked <= listed


def test_only_one_module_imports_tensorrt():
    for folder in ("slsg_edge", "export", "runtime", "calibration"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            assert not re.search(r"^\s*(import|from) tensorrt(?!_(api|surface))", text, re.M), path
