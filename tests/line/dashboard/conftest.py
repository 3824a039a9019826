"""A line of one station `cap`, and clients of its dashboard."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_line import TOKEN, FakeLine


@pytest.fixture
def line(tmp_path: Path, toy_bundle: Path) -> FakeLine:
    pytest.importorskip("cv2", reason="pictures need OpenCV")
    folder = tmp_path / "line-data"
    folder.mkdir()
    return FakeLine(folder, toy_bundle)


@pytest.fixture
def client_of(line: FakeLine) -> Iterator[Callable[..., Any]]:
    """A client without a browser; token None is a line without one."""
    pytest.importorskip("prometheus_client", reason="pip install 'slsg-edge[station]'")
    pytest.importorskip("httpx", reason="the dev extra is not installed")
    with warnings.catch_warnings():  # it asks for another httpx from time to time
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient
    from slsg_edge.line.dashboard.app import make_app

    opened: list[Any] = []

    def client(token: str | None = TOKEN, **more: Any) -> Any:
        app = make_app(line, line.folder, token)
        found = TestClient(app, base_url="http://localhost", follow_redirects=False, **more)
        found.headers["accept"] = "text/html"
        opened.append(found)
        return found

    yield client
    for each in opened:
        each.close()
