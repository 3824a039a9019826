"""The import direction is part of the design, so it is tested."""

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "slsg_edge"

# From the ground up: a room imports only what stands before it.
FLOORS = (
    "errors", "contracts", "config", "storage", "progress", "images", "preprocessing", "scoring",
    "machine", "metrics", "bundle", "data", "synthesis", "training",
    "models", "runtime", "calibration", "export", "line", "archive", "bench", "stages",
    "evaluation", "reports", "doctor", "demo", "api", "cli", "__main__",
)  # fmt: skip
MOST_ROOMS = 32  # at the top level, files and folders

# What a room must not reach, through whatever it imports.
WALLS = {
    **dict.fromkeys(
        ("line", "runtime", "bundle", "archive"),
        ("slsg_edge.training", "slsg_edge.models", "slsg_edge.stages", "torch", "onnx"),
    ),
    "export": ("slsg_edge.runtime", "slsg_edge.calibration"),
}
# What a room must not import itself: pages and the command line are for those who call it.
NOT_DIRECTLY = {
    "archive": ("typer",),
    "calibration": ("torch", "onnx", "typer"),
    "data": ("torch", "typer"),
    "export": ("pycuda", "typer"),
    "line": ("typer",),
    "metrics": ("torch", "typer"),
    "runtime": ("typer",),
    "stages": ("typer",),
    "synthesis": ("torch", "typer"),
    "training": ("typer",),
}


@functools.cache
def _modules():
    """Every module by its dotted name."""
    return {_dotted(path): path for path in PACKAGE.rglob("*.py")} | {
        _dotted(path): path
        for linked in PACKAGE.iterdir()
        if linked.is_symlink()
        for path in linked.rglob("*.py")
    }


def _dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def _imports(module):
    """What a module imports, wherever it does: modules of ours, and packages of others."""
    names = set()
    for node in ast.walk(ast.parse(_modules()[module].read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names |= {name if name in _modules() else node.module for name in full}
    return frozenset(names)


def _room(module):
    return module.split(".")[1] if module.startswith("slsg_edge.") else ""


def _in(module, package):
    return module == package or module.startswith(f"{package}.")


def _reached(module):
    """Everything behind a module's imports, each with the way that leads to it."""
    ways = {module: (module,)}
    waiting = [module]
    while waiting:
        here = waiting.pop()
        for target in _imports(here) if here in _modules() else ():
            if target not in ways:
                ways[target] = (*ways[here], target)
                waiting.append(target)
    return ways


def test_every_room_has_a_floor():
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert found - {"__init__", "__pycache__"} == set(FLOORS)


def test_rooms_can_be_counted():
    found = [path for path in PACKAGE.iterdir() if path.name != "__pycache__"]
    assert len(found) <= MOST_ROOMS


@pytest.mark.parametrize("room", FLOORS)
def test_imports_point_down(room):
    for module in (name for name in _modules() if _room(name) == room):
        for target in map(_room, _imports(module)):
            assert target in ("", room) or FLOORS.index(target) < FLOORS.index(room), (
                f"{module} imports {target}"
            )


@pytest.mark.parametrize("room", WALLS)
def test_walls_have_no_hole(room):
    for module in (name for name in _modules() if _room(name) == room):
        for target, way in _reached(module).items():
            broken = [wall for wall in WALLS[room] if _in(target, wall)]
            assert not broken, " -> ".join(way)


@pytest.mark.parametrize("room", NOT_DIRECTLY)
def test_packages_that_a_room_does_without(room):
    for module in (name for name in _modules() if _room(name) == room):
        for target in _imports(module):
            assert not [name for name in NOT_DIRECTLY[room] if _in(target, name)], module


def test_no_import_goes_round_in_a_circle():
    """The public names in `slsg_edge` are looked up when they are asked for, so they count not."""
    ours = {m: {t for t in _imports(m) if t in _modules()} - {"slsg_edge"} for m in _modules()}
    ours.pop("slsg_edge")
    while leaves := [module for module, targets in ours.items() if not targets & ours.keys()]:
        for module in leaves:
            del ours[module]
    assert not ours


def test_files_stay_short():
    paths = [*_modules().values(), *(ROOT / "tests").rglob("*.py")]
    assert not [path for path in paths if len(path.read_text().splitlines()) > 300]
