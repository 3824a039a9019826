"""Small, really trained bundles of every detector: tolerances on random weights mean nothing.

Training takes about a minute, so it is kept between runs for as long as the code behind it stays.
"""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from made_once import made_once

import slsg_edge
from slsg_edge.bundle.commands import BUNDLE
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.demo.sample.dataset import SampleCounts, write_dataset
from slsg_edge.demo.story import SETTINGS
from slsg_edge.stages.export import export_bundle
from slsg_edge.stages.settings import settings_of_run
from slsg_edge.stages.train import train
from slsg_edge.training.settings import Resources

COUNTS = SampleCounts(40, 20, 8, 6, 6, size=128)
BEHIND_IT = (
    "stages/train.py",
    "stages/phases.py",
    "models",
    "demo/sample",
    "synthesis",
    "training",
)

# By name: the detector, and options that train it in seconds from noise. Both variants of SLSG
# take the rules of the sample line as well.
SMALL = {"preprocessing": {"height": 96, "width": 96}}
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "edge": (
        "slsg",
        {
            **SMALL,
            "model": {"variant": "edge"},
            "pretraining": {"task": "none"},
            "training": {"iterations": 60, "batch": 4},
        },
    ),
    "paper": (
        "slsg",
        {
            **SMALL,
            "model": {"variant": "paper"},
            "pretraining": {"task": "none"},
            "training": {"iterations": 12, "batch": 2},
        },
    ),
    "fractalad": (
        "fractalad",
        {**SMALL, "model": {"depth": 3}, "training": {"iterations": 30, "batch": 4}},
    ),
    "npad": ("npad", SMALL),
    "clflow": (
        "clflow",
        {**SMALL, "model": {"steps": 2}, "training": {"iterations": 20, "batch": 4}},
    ),
}


def draw_data(folder: Path) -> Path:
    """The sample line, small."""
    write_dataset(folder, COUNTS, seed=0)
    return folder


def export_trained(path: Path, data: Path, name: str, kept: Path) -> None:
    """A trained bundle of RUNS, from `kept` where it is there, is exported to `path`."""
    store = kept / _key() / name / f"{name}.slsg"
    shutil.copytree(made_once(store, lambda part: _train(part, data, name)), path)
    command = f"slsg-edge export {BUNDLE}"
    export_bundle(open_bundle(path), dynamic=False, images=None, command=command)


def _train(path: Path, data: Path, name: str) -> None:
    detector, options = RUNS[name]
    files = [SETTINGS] if detector == "slsg" else []
    train(
        data,
        path,
        settings_of_run(detector, files, options),
        Resources(backbone_weights="none", device="cpu", workers=0),
        command="slsg-edge train",
        notify=lambda _: None,
    )


def _key() -> str:
    package = Path(slsg_edge.__file__).parent
    sources = [Path(__file__)]
    for name in BEHIND_IT:
        sources += [package / name, *sorted((package / name).rglob("*.*"))]
    digest = hashlib.sha256()
    for path in sources:
        if path.suffix in (".py", ".toml"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
