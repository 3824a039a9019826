"""Small SLSG bundles that are really trained: tolerances on random weights mean nothing.

Training takes about a minute, so it is kept between runs for as long as the code behind it stays.
"""

import dataclasses
import hashlib
import shutil
from pathlib import Path

import slsg_edge
from slsg_edge.bundle import open_bundle
from slsg_edge.config import read_toml, settings_from_table
from slsg_edge.demo import SETTINGS
from slsg_edge.exporting import export_bundle
from slsg_edge.fitting import train
from slsg_edge.models.slsg.network import SlsgSpec
from slsg_edge.models.slsg.settings import SlsgSettings
from slsg_edge.sample.dataset import SampleCounts, write_dataset
from slsg_edge.training.settings import Resources

COUNTS = SampleCounts(60, 40, 20, 15, 15, size=160)
ITERATIONS = {"edge": 300, "paper": 60}
BATCH = {"edge": 4, "paper": 2}
BEHIND_IT = ("fitting.py", "models", "sample", "synthesis", "training")


def draw_data(folder: Path) -> Path:
    """The sample line, small."""
    write_dataset(folder, COUNTS, seed=0)
    return folder


def trained_bundle(folder: Path, data: Path, variant: str, kept: Path) -> Path:
    """A trained and exported bundle of one variant in `folder`, from `kept` where it is there."""
    store, path = kept / _key() / f"{variant}.slsg", folder / f"{variant}.slsg"
    if not store.exists():
        _train(path, data, variant)
        store.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, store)
    else:
        shutil.copytree(store, path)
    command = f"slsg-edge export {path}"
    return export_bundle(open_bundle(path), dynamic=False, images=None, command=command).bundle.path


def _train(path: Path, data: Path, variant: str) -> None:
    table = settings_from_table(SlsgSettings, read_toml(SETTINGS), SETTINGS.name)
    settings = dataclasses.replace(
        table,
        model=SlsgSpec(variant),
        pretraining=dataclasses.replace(table.pretraining, task="none"),
        training=dataclasses.replace(
            table.training, iterations=ITERATIONS[variant], batch=BATCH[variant]
        ),
    )
    train(
        data,
        path,
        settings,
        Resources(backbone_weights="none", device="cpu", workers=0),
        command="slsg-edge train",
        say=lambda _: None,
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
