"""The import direction is part of the design, so it is tested."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "slsg_edge"

# Arrows point down only; within a layer they may point sideways.
LAYERS = (
    {
        "bundle", "config", "contracts", "errors", "fingerprint", "images", "machine", "manifest",
        "nvidia", "pictures", "preprocessing", "progress", "provenance", "scoring", "storage",
        "tensorrt_api", "tensorrt_surface", "thresholds", "tolerances",
    },
    {"data", "metrics", "runtime", "sample", "synthesis", "training"},
    {"calibration", "export", "models"},
    {
        "benchmarking", "calibrating", "cases", "checks", "choosing", "comparing", "demo",
        "diagnosis", "engines", "evaluation", "exporting", "fitting", "freezing", "gpu_bench",
        "image_evaluation", "importing", "int8_meter", "inventory", "judging", "line",
        "metric_bench", "nvidia_checks", "paired_cases", "paired_evaluation", "pixel_evaluation",
        "quantising", "recipes", "refitting", "reports", "reviewing", "synthesis_bench",
        "verifying",
    },
    {"cli", "__main__"},
)  # fmt: skip
LAYER_OF = {name: layer for layer, names in enumerate(LAYERS) for name in names}

TORCH_WORLD = {"torch", "onnx", "onnxscript", "safetensors", "slsg_edge.models"} | {
    f"slsg_edge.{name}" for name in ("export", "synthesis", "training", "sample")
}
FORBIDDEN = {
    "runtime": TORCH_WORLD | {"typer", "slsg_edge.data", "slsg_edge.calibration"},
    "line": TORCH_WORLD | {"typer", "slsg_edge.data"},
    "calibration": {"torch", "onnx", "typer", "slsg_edge.models", "slsg_edge.export"},
    "export": {"pycuda", "typer", "slsg_edge.runtime", "slsg_edge.calibration"},
    "data": {"torch", "typer"},
    "metrics": {"torch", "typer"},
    "synthesis": {"torch", "typer"},
    "training": {"typer", "slsg_edge.models"},
}


def _modules(name: str) -> list[Path]:
    home = PACKAGE / name
    return sorted(home.resolve().rglob("*.py")) if home.is_dir() else [home.with_suffix(".py")]


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_every_module_has_a_layer():
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert found - {"__init__", "__pycache__", "py"} - {"py.typed"} == set(LAYER_OF)


@pytest.mark.parametrize("name", LAYER_OF)
def test_imports_point_down(name):
    for path in _modules(name):
        for imported in _imports(path):
            package, _, rest = imported.partition(".")
            target = rest.partition(".")[0]
            if package == "slsg_edge" and target in LAYER_OF:
                assert LAYER_OF[target] <= LAYER_OF[name], f"{path.name} imports {imported}"


@pytest.mark.parametrize("name", FORBIDDEN)
def test_worlds_that_never_meet(name):
    for path in _modules(name):
        for imported in _imports(path):
            broken = [f for f in FORBIDDEN[name] if imported == f or imported.startswith(f + ".")]
            assert not broken, f"{path.name} imports {imported}"


def test_files_stay_short():
    for name in LAYER_OF:
        for path in _modules(name):
            assert len(path.read_text().splitlines()) <= 300, f"{path} has grown past 300 lines"
