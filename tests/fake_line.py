"""A line that does nothing but answer the dashboard's questions."""

import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slsg_edge.bundle.folder import Bundle, open_bundle
from slsg_edge.contracts import Fault, Frame, Outcome, Prediction, Verdict
from slsg_edge.errors import BundleError
from slsg_edge.images import encode_image
from slsg_edge.line.outbox.entries import Event, Stored
from slsg_edge.line.records import Inspection, Record, record_of
from slsg_edge.line.service.status import LineStatus, SinkStatus, StationBoard
from slsg_edge.line.settings.line import HttpSettings, LineSettings, StationSettings

TOKEN = "a token of the line"
THRESHOLD = 0.5


class FakeOutbox:
    """What the page needs of an outbox, in memory."""

    def __init__(self) -> None:
        self.stored: list[Stored] = []
        self.happened: list[Event] = []
        self.marked: dict[str, str] = {}
        self.trouble: str | None = None

    def put(self, record: Record) -> None:
        self.stored.append(Stored(len(self.stored) + 1, record))

    @property
    def last_position(self) -> int:
        return len(self.stored)

    def after(self, position: int, limit: int, stations: Any = None) -> list[Stored]:
        return [
            each
            for each in self.stored
            if each.position > position and (not stations or each.record.station in stations)
        ][:limit]

    def events(self, start: float = 0.0, end: Any = None, limit: int = 1000) -> list[Event]:
        return self.happened[::-1][:limit]

    def label(self, verdict_id: str, label: Any, by: str) -> None:
        self.marked.pop(verdict_id, None)
        if label:
            self.marked[verdict_id] = label

    def labels(self) -> dict[str, str]:
        return dict(self.marked)

    def rejects(self, limit: int, before: int | None = None) -> list[Stored]:
        found = [
            each
            for each in reversed(self.stored)
            if each.record.verdict != "good" and (before is None or each.position < before)
        ]
        return found[:limit]

    def find(self, verdict_id: str) -> Stored | None:
        return next((each for each in self.stored if each.record.id == verdict_id), None)


class FakeLine:
    """A `Door`. `inspect` gives a verdict as a station would."""

    def __init__(self, folder: Path, bundle: Path, stations: tuple[str, ...] = ("cap",)) -> None:
        self.folder = folder
        self.boards = {name: StationBoard(name) for name in stations}
        self.kept_outbox = FakeOutbox()
        self.alarms: tuple[str, ...] = ()
        self.sinks: tuple[SinkStatus, ...] = ()
        self.http = HttpSettings()
        self.changes: list[tuple[str, float, str, str]] = []
        self.refuses: BundleError | None = None
        self._bundle = bundle
        for board in self.boards.values():
            board.tell(state="ok", ready=True, threshold=THRESHOLD, bundle="abc", backend="toy")

    def inspect(
        self,
        station: str,
        score: float | None,
        level: int = 90,
        keep: bool = True,
        size: tuple[int, int] = (48, 64),
    ) -> Record:
        """score None: a frame that was not inspected."""
        image = np.full((*size, 3), level, np.uint8)
        image[10:20, 10:20] = 255 - level
        fault = Fault("stale", "the frame is too old") if score is None else None
        frame = Frame(0, "test", time.time(), time.monotonic(), image, fault)
        verdict = Verdict("undecided", reason="stale", detail="the frame is too old")
        prediction = None
        if score is not None:
            outcome: Outcome = "anomalous" if score > THRESHOLD else "good"
            verdict = Verdict(outcome, score, THRESHOLD, 0.1)
            heat = np.zeros((32, 32), np.float32)
            heat[5:15, 5:15] = score
            prediction = Prediction(heat, score)
        record = record_of(frame, verdict, {"detect": 4.0, "judge": 0.1, "stored": 1.0}, "abc")
        sequence = sum(each.record.station == station for each in self.kept_outbox.stored) + 1
        record = replace(record, station=station, sequence=sequence)
        if keep and record.verdict != "good":
            record = replace(record, image=self._kept(record, image))
        self.kept_outbox.put(record)
        self.boards[station].add(Inspection(record, frame, prediction))
        return record

    def _kept(self, record: Record, image: Any) -> str:
        name = f"pictures/2026-11-30/{record.station}/{record.id}.png"
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_image(image))
        path.with_name(f"{record.id}_heat.jpg").write_bytes(encode_image(image, ".jpg"))
        return name

    def status(self) -> LineStatus:
        stations = tuple(board.snapshot() for board in self.boards.values())
        return LineStatus("line 3", time.time() - 60, stations, self.sinks, self.alarms, 10, 10**9)

    def outbox(self) -> FakeOutbox:
        return self.kept_outbox

    def bundle(self, station: str) -> Bundle:
        return open_bundle(self._bundle)

    def set_threshold(self, station: str, value: float, by: str, why: str) -> None:
        if self.refuses:
            raise self.refuses
        self.changes.append((station, value, by, why))
        self.boards[station].tell(threshold=value)

    def settings(self) -> LineSettings:
        stations = tuple(StationSettings(name, "0", Path("a.slsg")) for name in self.boards)
        return LineSettings(stations, http=self.http)


BEARER = {"authorization": f"Bearer {TOKEN}", "accept": "application/json"}
FROM_PAGE = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}


def client_on(line: FakeLine, token: str | None = TOKEN) -> Any:
    """A client without a browser; token None is a line without one."""
    pytest.importorskip("prometheus_client", reason="pip install 'slsg-edge[station]'")
    pytest.importorskip("httpx", reason="the dev extra is not installed")
    with warnings.catch_warnings():  # it asks for another httpx from time to time
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient
    from slsg_edge.line.dashboard.app import make_app

    app = make_app(line, line.folder, token)
    found = TestClient(app, base_url="http://localhost", follow_redirects=False)
    found.headers["accept"] = "text/html"
    return found


def sign_in(client: Any, who: str = "Ada") -> Any:
    return client.post("/enter", data={"who": who, "token": TOKEN}, headers=FROM_PAGE)
