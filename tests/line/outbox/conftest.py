"""An outbox that a test may end and open again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slsg_edge.line.outbox import telling
from slsg_edge.line.outbox.outbox import Outbox


@pytest.fixture(autouse=True)
def _a_busy_disk_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_HANGS", 60.0)


@pytest.fixture
def warnings() -> list[str]:
    """What people were told."""
    return []


@pytest.fixture
def open_outbox(tmp_path: Path, warnings: list[str]) -> Iterator[Callable[..., Outbox]]:
    """Opens that of one folder; all are closed at the end."""
    opened = []

    def open_it(folder: Path = tmp_path / "line") -> Outbox:
        opened.append(Outbox(folder, warnings.append))
        return opened[-1]

    yield open_it
    for outbox in opened:
        outbox.close()
