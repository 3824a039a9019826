"""Every command of the documentation runs as it stands, on small data.

A block that needs hardware, installs something or takes long says so in the page's source,
`<!-- not run: why -->` on the line before it; `pytest -rP -k not_run` lists them. Small means:

- a bundle or data set that a page takes for granted is put there;
- the camera is a folder of pictures;
- what is drawn is drawn small;
- what is trained takes the weights of a bundle that was trained once, for all tests, and the
  groups of layers of INT8 are measured once together.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
from doc_blocks import PAGES, ROOT, blocks, words_of
from made_once import made_once
from typer.testing import CliRunner

from slsg_edge import cli
from slsg_edge.bundle.folder import Bundle, open_bundle
from slsg_edge.cli.first_hour import running, steps
from slsg_edge.errors import SlsgError
from slsg_edge.stages import train as stages_train

CAMERAS = {"/dev/video0", "rtsp://camera/stream"}
COUNTS = {"train": 24, "validation": 12, "good": 4, "structural": 6, "logical": 6, "size": 96}
SMALL = [word for name, count in COUNTS.items() for word in (f"--{name}", str(count))]
PACKAGES = {"--target rtx": "tensorrt_rtx", "openvino": "openvino"}
RUN = [page for page in PAGES if any(block.why is None for block in blocks(page))]
NOT_RUN = [block for page in PAGES for block in blocks(page) if block.why is not None]


def test_what_is_not_run_says_why():
    for block in NOT_RUN:
        print(f"{block.page.relative_to(ROOT)}: {block.why}: {'; '.join(block.commands)}")
    assert all(len(block.why.split()) > 2 for block in NOT_RUN)


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_block_that_is_run_has_commands_of_ours_alone(page):
    for block in blocks(page):
        if block.why is None:
            assert block.commands
            assert [one for one in block.commands if not one.startswith("slsg-edge ")] == []


@pytest.fixture
def place(tmp_path, monkeypatch, sample_data, trained_bundle, measured_once, converted_once):
    """A folder of its own, with the data sets and bundles that pages take for granted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trust").mkdir()
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(tmp_path / "trust"))
    monkeypatch.setattr(steps, "run", _run_here)
    monkeypatch.setattr(steps, "int8_pays", lambda: False)  # as on a CPU without VNNI
    trained = open_bundle(trained_bundle("npad"))
    monkeypatch.setattr(stages_train, "train", partial(_copied, trained))
    _copy_some(sample_data, tmp_path / "bottles")
    for kind in ("structural_anomalies", "logical_anomalies"):
        _copy(sample_data / "test" / kind, tmp_path / "scrap", kind)
    for folder, kind in (("good", "good"), ("bad", "logical_anomalies")):
        _copy(sample_data / "test" / kind, tmp_path / "rejects" / folder, "sorted")
    _copy(sample_data / "test" / "good", tmp_path / "frames", "frame")
    return tmp_path


@pytest.fixture(scope="session")
def bundles(shared_folder, sample_data, trained_bundle, quantised_bundle):
    """Bundles with a threshold by name, the second with INT8 and its threshold, too."""

    def calibrated(path):
        shutil.copytree(trained_bundle("npad"), path)
        assert _run(["calibrate", str(path)])[0] == 0

    def quantised(path):
        shutil.copytree(quantised_bundle("npad"), path)
        assert _run(["calibrate", str(path)])[0] == 0
        if find_spec("openvino"):
            words = ["--backend", "openvino-int8", "--images", str(sample_data)]
            assert _run(["calibrate", str(path), *words])[0] == 0

    folder = shared_folder / "documented"
    return {
        "fp32": lambda: made_once(folder / "calibrated" / "a.slsg", calibrated),
        "int8": lambda: made_once(folder / "quantised" / "a.slsg", quantised),
    }


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_run(page, place, bundles):
    commands = [one for block in blocks(page) if block.why is None for one in block.commands]
    for command in commands:
        words = words_of(command)
        if missing := _missing_package(words):
            print(f"{page.name}: {command}: not run, {missing} is not installed")
            continue
        _prepare(words, place, bundles["int8" if _takes_int8(commands) else "fp32"])
        code, said = _run(_small(words))
        assert code in (0, 1), f"{command}\n{said}"


def _missing_package(words: list[str]) -> str | None:
    """Of an extra that this machine may do without."""
    needed = [package for word, package in PACKAGES.items() if word in " ".join(words)]
    return next((package for package in needed if find_spec(package) is None), None)


def _takes_int8(commands: Sequence[str]) -> bool:
    """Whether a page takes for granted that INT8 was made before."""
    return any("-int8" in one for one in commands) and not any("--int8" in one for one in commands)


def _prepare(words: list[str], place: Path, bundle_as_it_is: Callable[[], Path]) -> None:
    """What a person has by then: the bundles that are named, and pictures that were sorted."""
    made = words[words.index("-o") + 1] if "-o" in words else ""
    for word in words:
        bundle = place / word
        if word.endswith(".slsg") and word != made and not bundle.exists():
            shutil.copytree(bundle_as_it_is(), bundle)
    if "--add-reviewed" in words:
        folder = place / words[words.index("--add-reviewed") + 1]
        (folder / "good").mkdir(exist_ok=True)
        for picture in folder.glob("*.png"):
            picture.rename(folder / "good" / picture.name)


def _small(words: list[str]) -> list[str]:
    camera = ["frames" if word in CAMERAS else word for word in words]
    return [*camera, *SMALL] if words[0] == "sample" else camera


def _run(words: list[str]) -> tuple[int, str]:
    """The exit code, and all that was printed."""
    done = CliRunner().invoke(cli.app, words)
    if isinstance(done.exception, SlsgError):
        return 2, str(done.exception)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def _run_here(words: Sequence[str], log: Path, *, show: bool) -> running.Ran:
    """As `start` runs a command, but in this process, and small."""
    done = CliRunner().invoke(cli.app, _small(list(words)))
    printed = done.stdout if done.exit_code in (0, 1) and "--json" in words else "null"
    return running.Ran(done.exit_code, 0.0, json.loads(printed))


def _copy_some(data: Path, folder: Path, most: int = 10) -> None:
    """The first images of each folder, with their masks."""
    for picture in data.rglob("*.png"):
        number = picture.parent.name if "ground_truth" in picture.parts else picture.stem
        if int(number) < most:
            target = folder / picture.relative_to(data)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, target)


def _copied(trained: Bundle, data: Path, output: Path, *_: object, **__: object) -> Bundle:
    """In the place of a training: the bundle that was trained before, at `output`."""
    shutil.rmtree(output, ignore_errors=True)
    return trained.copy_stage("train", output)


def _copy(source: Path, folder: Path, prefix: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for picture in source.glob("*.png"):
        shutil.copy(picture, folder / f"{prefix}-{picture.name}")
