"""An outbox that a test may end and open again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slsg_edge.line.outbox.outbox import Outbox

DEADLINE = 20.0  # seconds: a busy machine is no fault


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
