"""The toy bundle as an object, for commands that are called as functions; and whole commands."""

import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from slsg_edge import cli
from slsg_edge.bundle.folder import Bundle, open_bundle


@pytest.fixture
def opened(toy_bundle: Path) -> Bundle:
    return open_bundle(toy_bundle)


@pytest.fixture
def draw_data(tmp_path: Path) -> Callable[..., Path]:
    """A test set of pairs of grey values: a good image of the first, then one with a square."""

    def write(name: str, image: np.ndarray) -> None:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image)

    def draw(levels: Sequence[tuple[int, int]], unmasked: int = 0) -> Path:
        """The squares of the first `unmasked` have no mask."""
        for index, (ground, square) in enumerate(levels):
            image = np.full((64, 64, 3), ground, np.uint8)
            write(f"test/good/{index:03}.png", image)
            image[16:48, 16:48] = square
            write(f"test/hole/{index:03}.png", image)
            if index >= unmasked:
                mask = np.zeros((64, 64), np.uint8)
                mask[16:48, 16:48] = 255
                write(f"ground_truth/hole/{index:03}_mask.png", mask)
        return tmp_path / "data"

    return draw


@pytest.fixture
def call_kinds() -> Callable[..., None]:
    """Calls the kinds of the pictures of a hole, one after the other, by other names."""

    def call(data: Path, *kinds: str) -> None:
        rows = ["image,label,kind,split"]
        rows += [f"test/good/{path.name},good,,test" for path in sorted(data.glob("test/good/*"))]
        holes = sorted(data.glob("test/hole/*"))
        for path, kind in zip(holes, itertools.cycle(kinds), strict=False):
            rows.append(f"test/hole/{path.name},defect,{kind},test")
        (data / "dataset.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")

    return call


@pytest.fixture
def run_and_read(monkeypatch, capsys):
    """The exit code, standard output and standard error of a command."""

    def command(*words) -> tuple[int | str, str, str]:
        monkeypatch.setattr(sys, "argv", ["slsg-edge", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        said = capsys.readouterr()
        return stopped.value.code or 0, said.out, said.err

    return command


@pytest.fixture
def run(run_and_read):
    """The exit code and standard error of a command."""

    def command(*words) -> tuple[int | str, str]:
        code, _, err = run_and_read(*words)
        return code, err

    return command


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two dark pictures, a bright one, and a file that is none."""
    folder = tmp_path / "images"
    folder.mkdir()
    for index, level in enumerate((40, 60, 220)):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((48, 64, 3), level, np.uint8))
    (folder / "3.png").write_bytes(b"")
    return folder
