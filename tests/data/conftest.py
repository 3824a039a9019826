"""Files of a data set, drawn where a test wants them."""

from pathlib import Path

import cv2
import numpy as np
import pytest


def _picture(seed: int, side: int = 64) -> np.ndarray:
    """A part as it comes off a line: what all have in common, and what is this one's own."""
    common = np.random.default_rng(0).integers(60, 160, (6, 6, 3))
    own = np.random.default_rng(1000 + seed).integers(0, 60, (12, 12, 3))
    size = (side, side)
    picture = cv2.resize(common.astype(np.uint8), size) + cv2.resize(own.astype(np.uint8), size)
    return np.asarray(picture, np.uint8)


class Files:
    """Writes below one folder; every part has a number of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def part(self, *names: str, side: int = 64) -> None:
        for name in names:
            self.write(name, _picture(self.count, side))
            self.count += 1

    def parts(self, folder: str, count: int) -> None:
        self.part(*(f"{folder}/{index:03}.png" for index in range(count)))

    def mask(self, *names: str, value: int = 255, side: int = 64) -> None:
        for name in names:
            mask = np.zeros((side, side), np.uint8)
            mask[side // 4 : side // 2, side // 4 : side // 2] = value
            self.write(name, mask)

    def write(self, name: str, picture: np.ndarray) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), picture)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "data")
