"""What people see: pages, pictures, and that no request reads a file of its own choosing."""

import os
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from fake_line import sign_in

from slsg_edge.line.dashboard.pictures import LivePictures
from slsg_edge.line.outbox.entries import Event

PAGES = ("/", "/stations/cap", "/stations/cap/threshold", "/rejects", "/events", "/audit", "/enter")
SVG = "image/svg+xml"


class Tags(HTMLParser):
    """Each tag with its attributes, and which were left open."""

    VOID = ("meta", "link", "img", "input", "path", "circle", "rect")

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("inspected", [False, True])
def test_pages_are_whole_and_allow_no_script_of_others(line, client_of, inspected):
    client = client_of()
    sign_in(client)
    if inspected:
        for score in (0.1, 0.9, None):
            line.inspect("cap", score)
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 200, path
        tags = Tags(answer.text)
        assert tags.open == [], path
        for tag, attributes in tags.found:
            assert "style" not in attributes, path
            assert not [name for name in attributes if name.startswith("on")], path
            for address in (attributes.get("src"), attributes.get("href")):
                assert address is None or (address[0] == "/" and address[1:2] != "/"), address
            assert tag != "script" or attributes["src"].startswith("/static/dashboard.js")


HOSTILE = '<script>alert(1)</script>"&\udcff'


def test_text_from_anywhere_is_text(line, client_of):
    record = line.inspect("cap", None)
    hostile = replace(record, detail=HOSTILE, reason=HOSTILE, drift=(HOSTILE,))
    line.kept_outbox.stored[-1] = replace(line.kept_outbox.stored[-1], record=hostile)
    newest = replace(line.boards["cap"].snapshot().newest, record=hostile)
    line.boards["cap"].tell(detail=HOSTILE, drift=(HOSTILE,), newest=newest, backend=HOSTILE)
    line.alarms = (HOSTILE,)
    line.kept_outbox.happened.append(Event(1, 0.0, "source", HOSTILE, HOSTILE, HOSTILE))
    client = client_of()
    for path in PAGES:
        text = client.get(path).text
        assert "<script>alert" not in text, path
    assert client.get("/api/status").status_code == 200
    assert client.get("/metrics").status_code == 200


def test_a_verdict_is_a_word_and_a_shape(line, client_of):
    line.inspect("cap", 0.9)
    text = client_of().get("/").text
    assert '<span class="word">anomalous</span>' in text
    assert '<svg class="mark anomalous' in text


@pytest.mark.parametrize("state", ["lost", "failing", "stopped"])
def test_the_good_verdict_of_a_part_that_is_gone_does_not_stand_large(line, client_of, state):
    line.inspect("cap", 0.1)
    client = client_of()
    assert '<span class="word">good</span>' in client.get("/").text
    line.boards["cap"].tell(state=state)
    for path in ("/", "/stations/cap"):
        text = client.get(path).text
        assert '<span class="word">good</span>' not in text
        assert '<span class="word">undecided</span>' in text


def test_alarms_stand_on_top_of_every_page(line, client_of):
    line.alarms = ("Camera cap is lost.",)
    line.kept_outbox.trouble = "the disk is full"
    client = client_of()
    for path in PAGES:
        text = client.get(path).text
        assert text.index("Camera cap is lost.") < text.index("<h1>")
        assert "Verdicts cannot be stored just now: the disk is full" in text


def test_events_are_told(line, client_of):
    line.kept_outbox.happened.append(Event(1, 0.0, "source", "cap", "lost", "The cable is out."))
    client = client_of()
    assert "The cable is out." in client.get("/events").text
    assert "The cable is out." in client.get("/stations/cap").text


def test_older_rejects_are_on_pages_of_their_own(line, client_of):
    records = [line.inspect("cap", 0.9, keep=False) for _ in range(30)]
    client = client_of()
    first = client.get("/rejects").text
    assert records[-1].id in first
    assert records[0].id not in first
    older = first.split('href="/rejects?before=')[1].split('"')[0]
    assert records[0].id in client.get(f"/rejects?before={older}").text
    for odd in ("x", "-1", "9" * 50, ""):
        assert client.get(f"/rejects?before={odd}").status_code == 200


def test_the_picture_is_the_newest_and_says_which(line, client_of):
    client = client_of()
    assert client.get("/stations/cap/picture.jpg").headers["content-type"] == SVG
    line.inspect("cap", 0.9)
    plain = client.get("/stations/cap/picture.jpg")
    heated = client.get("/stations/cap/picture.jpg?heat=1")
    assert plain.headers["content-type"] == "image/jpeg"
    assert (plain.headers["x-sequence"], plain.headers["x-verdict"]) == ("1", "anomalous")
    assert plain.content != heated.content
    cv2 = pytest.importorskip("cv2")
    assert cv2.imdecode(np.frombuffer(plain.content, np.uint8), 1).shape == (48, 64, 3)


def test_a_large_picture_is_made_small(line, client_of):
    line.inspect("cap", 0.9, size=(1000, 3000))
    content = client_of().get("/stations/cap/picture.jpg").content
    cv2 = pytest.importorskip("cv2")
    assert cv2.imdecode(np.frombuffer(content, np.uint8), 1).shape == (427, 1280, 3)


def test_pictures_are_encoded_five_times_a_second_at_most(line, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("slsg_edge.line.dashboard.pictures.time.monotonic", lambda: now[0])
    pictures = LivePictures(line.bundle)
    shown = set()
    for _ in range(100):
        record = line.inspect("cap", 0.9)
        newest = line.status().station("cap").newest
        shown.add(pictures.shot("cap", newest, heat=False).record.id)
        assert record.id == newest.record.id
        now[0] += 0.01
    assert len(shown) == 5


def test_a_kept_picture_is_found_by_its_verdict(line, client_of):
    record = line.inspect("cap", 0.9)
    client = client_of()
    whole = client.get(f"/pictures/{record.id}")
    assert whole.content == (line.folder / record.image).read_bytes()
    assert whole.headers["content-type"] == "image/png"
    assert client.get(f"/pictures/{record.id}?size=small").headers["content-type"] == "image/jpeg"
    assert client.get(f"/pictures/{record.id}?heat=1").headers["content-type"] == "image/jpeg"


def test_a_picture_that_is_gone_or_damaged_is_none(line, client_of):
    gone, damaged = line.inspect("cap", 0.9), line.inspect("cap", 0.9)
    (line.folder / gone.image).unlink()
    (line.folder / damaged.image).write_bytes(b"\x89PNG nothing")
    client = client_of()
    assert client.get(f"/pictures/{gone.id}").headers["content-type"] == SVG
    assert client.get(f"/pictures/{damaged.id}?size=small").headers["content-type"] == SVG
    assert client.get("/rejects").status_code == 200


def test_a_reject_can_be_looked_at_large_with_and_without_heat(line, client_of):
    record, bare = line.inspect("cap", 0.9), line.inspect("cap", 0.8, keep=False)
    client = client_of()
    text = client.get(f"/rejects/{record.id}").text
    assert f"/pictures/{record.id}?size=large" in text
    assert "Show with heat" in text
    assert "Show without heat" in client.get(f"/rejects/{record.id}?heat=1").text
    assert "Show with" not in client.get(f"/rejects/{bare.id}?heat=1").text
    assert client.get("/rejects/nobody").status_code == 404


@pytest.mark.parametrize(
    "image",
    [
        "../secret.png",
        "pictures/../../secret.png",
        "{root}/secret.png",
        "link.png",
        "loop.png",
        "linked/secret.png",
        "audit.jsonl",
        "pictures",
        "..",
        "",
        "a\0.png",
        "x" * 5000 + ".png",
        "pipe.png",
    ],
)
def test_no_record_leads_out_of_the_folder(line, client_of, image):
    """Also where the record itself was made by somebody else."""
    root = line.folder.parent
    (root / "secret.png").write_bytes(b"secret")
    (line.folder / "audit.jsonl").write_bytes(b"secret")
    (line.folder / "link.png").symlink_to(root / "secret.png")
    (line.folder / "loop.png").symlink_to(line.folder / "loop.png")
    (line.folder / "linked").symlink_to(root)
    os.mkfifo(line.folder / "pipe.png")
    record = replace(line.inspect("cap", 0.9), image=image.format(root=root))
    line.kept_outbox.stored[-1] = replace(line.kept_outbox.stored[-1], record=record)
    client = client_of()
    for query in ("", "?size=small", "?heat=1"):
        answer = client.get(f"/pictures/{record.id}{query}")
        assert answer.headers["content-type"] == SVG
        assert b"secret" not in answer.content


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/app.py",
        "/static/",
        "/pictures/",
        "/pictures/..%2f..%2faudit.jsonl",
        "/pictures/%2e%2e/audit.jsonl",
        "/pictures/pictures",
        "/stations/..%2f..%2f/picture.jpg",
        "/stations/nobody",
        "/stations/nobody/picture.jpg",
        "/stations/nobody/threshold",
        "/stations/%00",
        "/stations/%ff%fe",
        "/audit.jsonl",
        "/outbox.db",
        "//etc/passwd",
        "/..%5c..%5cwindows",
    ],
)
def test_paths_that_are_none_of_ours_are_not_found(line, client_of, path):
    line.inspect("cap", 0.9)
    (line.folder / "audit.jsonl").write_bytes(b"secret")
    answer = client_of().get(path)
    assert answer.status_code in (404, 405, 307)
    assert b"secret" not in answer.content
    assert b"import" not in answer.content


def test_what_pages_need_may_be_kept(client_of):
    client = client_of()
    for tag, attributes in Tags(client.get("/").text).found:
        address = attributes.get("src") or attributes.get("href") or ""
        if tag in ("script", "link") and address.startswith("/static/"):
            answer = client.get(address)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
