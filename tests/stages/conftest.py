"""A handful of good images and settings that train in seconds."""

import contextlib
import functools
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor
from training_runs import run_training
from untrained import untrained_bundle

from slsg_edge.images import encode_image
from slsg_edge.models.slsg.network import SlsgSpec
from slsg_edge.models.slsg.settings import PretrainSettings, SlsgSettings, StageTwoSettings
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.stages import phases
from slsg_edge.synthesis import simulated
from slsg_edge.training import loop
from slsg_edge.training.loop import Interrupted
from slsg_edge.training.settings import Resources


@pytest.fixture(autouse=True)
def no_charts(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Drawing them takes as long as such a training; tests of them ask for `charts`."""
    if "charts" not in request.fixturenames:
        monkeypatch.setattr(phases.charts, "write_loss_chart", lambda *_: None)


@pytest.fixture(autouse=True)
def few_anomalies(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """To score all that are simulated takes longer than such a training."""
    if "all_anomalies" not in request.fixturenames:
        monkeypatch.setattr(simulated, "WANTED", 18)


@pytest.fixture
def all_anomalies() -> None:
    """As many anomalies are simulated in this test as for a user."""


@pytest.fixture
def charts() -> None:
    """Curves are drawn in this test."""


@pytest.fixture
def good_images(tmp_path) -> Path:
    return write_good_images(tmp_path / "good")


def write_good_images(folder: Path) -> Path:
    """Six of them."""
    folder.mkdir()
    for index in range(6):
        rng = np.random.default_rng(index)
        picture = rng.integers(60, 90, (96, 96, 3), dtype=np.uint8)
        picture[30:60, 30:60] = (200, 60, 60)
        (folder / f"{index}.png").write_bytes(encode_image(picture))
    return folder


@pytest.fixture(scope="session")
def settings() -> SlsgSettings:
    return SlsgSettings(
        holdout=0.0,
        model=SlsgSpec("edge"),
        preprocessing=Preprocessing(96, 96),
        pretraining=PretrainSettings(epochs=1, samples_per_epoch=6, batch=2),
        training=StageTwoSettings(iterations=4, batch=2),
    )


@pytest.fixture(scope="session")
def resources() -> Resources:
    return Resources(backbone_weights="none", device="cpu", workers=0)


@pytest.fixture(scope="session")
def _trained_once(tmp_path_factory, settings, resources) -> Path:
    images = write_good_images(tmp_path_factory.mktemp("whole") / "good")
    run_training(images, "a.slsg", settings, resources)
    return images.parent


@pytest.fixture
def whole(_trained_once) -> bytes:
    """The weights that an undisturbed training of `settings` on `good_images` gives."""
    return (_trained_once / "a.slsg" / "weights.safetensors").read_bytes()


@pytest.fixture
def finished(good_images, _trained_once) -> Path:
    """The bundle of that training, a.slsg beside the images, with its run."""
    for name in ("a.slsg", "a.run"):
        shutil.copytree(_trained_once / name, good_images.parent / name)
    return good_images.parent / "a.slsg"


@pytest.fixture
def stopped_after(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[int], AbstractContextManager[None]]:
    """Around a run: Ctrl-C comes while so many batches were taken."""

    @contextlib.contextmanager
    def stopping(steps: int) -> Iterator[None]:
        taken: list[None] = []
        ask = loop._next

        def counting(batches: Iterator[tuple[Tensor, Tensor]], pace: loop.Throughput) -> object:
            taken.append(None)
            if len(taken) == steps:
                loop.signal.raise_signal(loop.signal.SIGINT)
            return ask(batches, pace)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "_next", counting)
            with pytest.raises(Interrupted):
                yield

    return stopping


@pytest.fixture
def trained(tmp_path):
    """A function of variant and side that gives a bundle as `train` would leave it."""
    return functools.partial(untrained_bundle, tmp_path)
