"""Labels and thresholds: what a change does, what it says before, and that it is noted."""

import os

import pytest
from fake_line import BEARER, FROM_PAGE, FakeLine, client_on, sign_in

from slsg_edge.errors import BundleError
from slsg_edge.line.dashboard.audit import AuditLog
from slsg_edge.line.dashboard.trial import effect_of, last_scores

PATH = "/stations/cap/threshold"


def audit_of(line):
    return AuditLog(line.folder / "audit.jsonl")


def label(client, record, value, **more):
    return client.post(f"/rejects/{record.id}/label", data={"label": value, **more}, headers=BEARER)


def reviewed(line):
    root = line.folder / "reviewed"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_reject_is_labelled_and_its_picture_sorted(line, client_of):
    record = line.inspect("cap", 0.9)
    client = client_of()
    assert label(client, record, "good", by="Ada").status_code == 200
    assert line.kept_outbox.labels() == {record.id: "good"}
    assert reviewed(line) == [f"cap/good/{record.id}.png"]
    kept = line.folder / str(record.image)
    assert (line.folder / f"reviewed/cap/good/{record.id}.png").read_bytes() == kept.read_bytes()


def test_another_label_moves_the_picture_and_none_takes_it_away(line, client_of):
    record = line.inspect("cap", 0.9)
    client = client_of()
    label(client, record, "good")
    label(client, record, "bad")
    assert reviewed(line) == [f"cap/bad/{record.id}.png"]
    label(client, record, "")
    assert reviewed(line) == []
    assert line.kept_outbox.labels() == {}


def test_a_disk_without_links_gets_copies(line, client_of, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    record = line.inspect("cap", 0.9)
    label(client_of(), record, "bad")
    assert reviewed(line) == [f"cap/bad/{record.id}.png"]


def test_labels_are_sorted_again_on_request(line, client_of):
    record = line.inspect("cap", 0.9)
    line.kept_outbox.label(record.id, "bad", "a program")
    assert client_of().post("/rejects/export", json={}, headers=BEARER).status_code == 200
    assert reviewed(line) == [f"cap/bad/{record.id}.png"]


def test_the_page_gives_the_command_that_takes_labels_over(line, client_of):
    client = client_of()
    assert "/reviewed/cap" not in client.get("/rejects").text
    label(client, line.inspect("cap", 0.9), "good")
    text = client.get("/rejects").text
    assert f"--add-reviewed {line.folder}/reviewed/cap" in text


def test_a_part_without_a_picture_can_be_labelled(line, client_of):
    record = line.inspect("cap", 0.9, keep=False)
    assert label(client_of(), record, "bad").status_code == 200
    assert reviewed(line) == []


@pytest.mark.parametrize("value", ["great", "GOOD", "undecided", "0"])
def test_other_labels_are_refused(line, client_of, value):
    record = line.inspect("cap", 0.9)
    assert label(client_of(), record, value).status_code == 400
    assert not line.kept_outbox.labels()


def test_a_request_without_a_label_is_refused(line, client_of):
    record = line.inspect("cap", 0.9)
    line.kept_outbox.label(record.id, "bad", "Ada")
    answer = client_of().post(f"/rejects/{record.id}/label", json={}, headers=BEARER)
    assert answer.status_code == 400
    assert line.kept_outbox.labels() == {record.id: "bad"}


@pytest.mark.parametrize("wanted", ["0", "019a", "..%2F..%2Fetc%2Fpasswd", "x" * 200])
def test_a_label_of_no_verdict_is_refused(client_of, wanted):
    answer = client_of().post(f"/rejects/{wanted}/label", data={"label": "good"}, headers=BEARER)
    assert answer.status_code == 404


def test_a_change_stands_in_the_audit_log(line, client_of):
    record = line.inspect("cap", 0.9)
    client = client_of()
    client.post(PATH, data={"value": "0,6", "by": "Ada", "why": "glare"}, headers=BEARER)
    label(client, record, "bad", by="Grace")
    newest = audit_of(line).newest(5)
    assert [each.who for each in newest] == ["Grace", "Ada"]
    assert newest[1].what == "cap: threshold from 0.5000 to 0.6"
    assert newest[1].why == "glare"
    assert audit_of(line).verify() is None
    page = client.get("/audit").text
    assert "glare" in page
    assert "Each line follows from the one before" in page


def test_who_signed_in_stands_beside_another_name(line, client_of):
    client = client_of()
    sign_in(client, "Ada")
    form = {"value": "0.6", "by": "Grace", "why": "glare"}
    client.post(PATH, data=form, headers=FROM_PAGE)
    assert audit_of(line).newest(1)[0].who == "Grace (signed in as Ada)"


def test_what_cannot_be_noted_is_not_done(line, client_of):
    (line.folder / "audit.jsonl").mkdir()
    record = line.inspect("cap", 0.9)
    client = client_of()
    answer = client.post(PATH, data={"value": "0.6", "by": "A", "why": "b"}, headers=BEARER)
    assert answer.status_code == 409
    assert "audit.jsonl" in answer.json()["error"]
    assert label(client, record, "good").status_code == 409
    assert not line.changes
    assert not line.kept_outbox.labels()


def test_what_the_bundle_refuses_is_said_and_noted(line, client_of):
    line.refuses = BundleError("cap.slsg is locked.", fix="Wait for the other command.")
    client = client_of()
    answer = client.post(PATH, data={"value": "0.6", "by": "A", "why": "b"}, headers=BEARER)
    assert answer.status_code == 409
    assert answer.json()["error"] == "cap.slsg is locked. Wait for the other command."
    assert audit_of(line).newest(1)[0].what.endswith("not done, cap.slsg is locked.")


@pytest.mark.parametrize("value", ["1", "-0.1", "nan", "inf", "abc", "", "0.5.1", "1e999"])
def test_what_is_no_threshold_is_refused(line, client_of, value):
    client = client_of()
    form = {"value": value, "by": "Ada", "why": "glare"}
    assert client.post(PATH, data=form, headers=BEARER).status_code == 400
    assert client.get(PATH, params={"value": value}).status_code == 400
    assert not line.changes


@pytest.mark.parametrize("missing", ["by", "why", "value"])
def test_a_threshold_is_changed_by_somebody_for_a_reason(line, client_of, missing):
    form = {"value": "0.6", "by": "Ada", "why": "glare"}
    form.pop(missing)
    assert client_of().post(PATH, data=form, headers=BEARER).status_code == 400
    assert not line.changes


def test_the_effect_is_shown_before_the_change(line, client_of):
    for score in (0.1, 0.2, 0.55, 0.9):
        line.inspect("cap", score, keep=False)
    client = client_of()
    text = client.get(f"{PATH}?value=0.15").text
    assert "1 good parts would not have passed" in text
    assert "Sign in" in text
    sign_in(client)
    text = client.get(f"{PATH}?value=0.6").text
    assert "1 more parts would have passed as good" in text
    assert "Set the threshold to 0.6000" in text
    assert not line.changes


def test_stations_that_change_with_it_are_named(tmp_path, toy_bundle):
    with client_on(FakeLine(tmp_path, toy_bundle, ("cap", "neck"))) as client:
        text = client.get("/stations/cap/threshold?value=0.6").text
    assert "The same bundle runs at neck, where it changes too." in text
    assert 'href="/stations/neck/threshold?value=0.6"' in text


def test_an_effect_counts_the_undecided_band():
    effect = effect_of(0.3, 0.5, 0.4, [0.1, 0.35, 0.45, 0.6])
    assert (effect.now["good"], effect.now["undecided"], effect.now["anomalous"]) == (2, 1, 1)
    assert (effect.then["good"], effect.then["undecided"], effect.then["anomalous"]) == (1, 0, 3)
    assert (effect.stricter, effect.milder) == (1, 0)


def test_parts_from_before_a_restart_count_too(line):
    for score in (0.1, 0.2, 0.3):
        line.inspect("cap", score)
    line.inspect("cap", None)
    board = type(line.boards["cap"])("cap")
    scores = last_scores(board.snapshot(), line.outbox(), 1)
    assert scores == [0.1, 0.2, 0.3]


def test_a_station_without_a_threshold_says_so(line, client_of):
    line.boards["cap"].tell(threshold=None)
    answer = client_of().get(f"{PATH}?value=0.6")
    assert answer.status_code == 503
    assert "has no threshold yet" in answer.text
