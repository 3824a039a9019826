"""A line of one station `cap`, and clients of its dashboard."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_line import TOKEN, FakeLine, client_on


@pytest.fixture
def line(tmp_path: Path, toy_bundle: Path) -> FakeLine:
    pytest.importorskip("cv2", reason="pictures need OpenCV")
    folder = tmp_path / "line-data"
    folder.mkdir()
    return FakeLine(folder, toy_bundle)


@pytest.fixture
def client_of(line: FakeLine) -> Iterator[Callable[..., Any]]:
    """A client without a browser; token None is a line without one."""
    opened: list[Any] = []

    def client(token: str | None = TOKEN) -> Any:
        opened.append(client_on(line, token))
        return opened[-1]

    yield client
    for each in opened:
        each.close()
