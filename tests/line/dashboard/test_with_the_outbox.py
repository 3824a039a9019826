"""The page's requests on the outbox that a line has."""

import time

import pytest
from fake_line import BEARER

from slsg_edge.line.dashboard.trial import last_scores
from slsg_edge.line.outbox.outbox import Outbox


@pytest.fixture
def stored(line):
    """The line of the tests, with a real outbox for what it inspected."""
    before, box = line.kept_outbox, Outbox(line.folder, lambda _: None)
    for score in (0.1, 0.2, 0.9):
        line.inspect("cap", score)
    for each in before.stored:
        assert box.put(each.record).wait(20)
    line.kept_outbox = box
    yield box
    box.close()


def test_rejects_are_labelled_in_it(line, client_of, stored):
    (reject,) = stored.rejects(10)
    client = client_of()
    path = f"/rejects/{reject.record.id}/label"
    assert client.post(path, data={"label": "bad"}, headers=BEARER).status_code == 200
    assert stored.labels() == {reject.record.id: "bad"}
    assert 'aria-pressed="true"' not in client.get("/rejects").text  # nobody has signed in
    assert "labelled bad" in client.get("/rejects").text
    assert client.post(path, data={"label": ""}, headers=BEARER).status_code == 200
    assert stored.labels() == {}


def test_events_of_it_are_shown(line, client_of, stored):
    stored.event("source", "cap", "lost", "The cable is out.")
    deadline = time.monotonic() + 20
    client = client_of()
    while "The cable is out." not in client.get("/events").text:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_scores_from_before_a_restart_come_from_it(line, stored):
    board = type(line.boards["cap"])("cap")
    assert last_scores(board.snapshot(), stored, 1) == [0.1, 0.2, 0.9]


def test_health_and_metrics_ask_it_too(line, client_of, stored):
    client = client_of()
    assert client.get("/metrics").status_code == 200
    assert client.get("/api/status").json()["outbox_trouble"] is None
