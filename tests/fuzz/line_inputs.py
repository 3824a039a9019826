"""What is read from disks beside bundles: settings, lists of images, stored verdicts."""

import json
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path

from fuzz.target import Target
from line_records import record

from slsg_edge.cli.first_hour.record import Record as FirstHour
from slsg_edge.cli.first_hour.record import photos_digest, read_record
from slsg_edge.config import read_toml, settings_from_table, value_from_text
from slsg_edge.data.readers.listed import read_list
from slsg_edge.errors import ConfigError, SlsgError
from slsg_edge.line.dashboard.audit import AuditLog
from slsg_edge.line.drift.evidence import Evidence
from slsg_edge.line.drift.state import store_state, stored_state
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.outbox.rows import record_from, seconds_of, stored_from, text_of
from slsg_edge.line.settings.cameras import camera_of
from slsg_edge.line.settings.reading import read_line
from slsg_edge.line.settings.secrets import warnings_of
from slsg_edge.line.sinks.modbus_registers import words_of
from slsg_edge.line.sinks.rotating_lines import _last_ids
from slsg_edge.line.sinks.sparkplug import metrics_of, payload
from slsg_edge.line.sources.addresses import with_secrets
from slsg_edge.line.sources.redaction import redacted
from slsg_edge.preprocessing import roi_from_text
from slsg_edge.synthesis.settings import SynthesisSettings

_LINE = b"""name = "line-3"
folder = "data"
[http]
host = "127.0.0.1"
port = 8420
token = "${TOKEN}"
[keep]
good_share = 0.5
days = 30
[[mqtt]]
name = "plant"
host = "broker"
port = 8883
tls = true
user = "@user"
[[modbus]]
name = "plc"
port = 1502
[[webhook]]
name = "mes"
url = "https://user:word@mes/verdicts"
[[json_lines]]
name = "file"
path = "verdicts.jsonl"
[[station]]
name = "cap"
source = "rtsp://user:${CAMERA}@camera/1"
bundle = "cap.slsg"
roi = [0, 0, 100, 100]
sinks = ["plant"]
trigger = { kind = "modbus", coil = 3, sink = "plc" }
limits = { max_age_ms = 1000 }
[[station]]
name = "label"
source = "drop:in?after=move"
bundle = "/bundles/label.slsg"
trigger = { kind = "mqtt", topic = "go", sink = "plant" }
"""
_TRAIN = b"""[structure]
cells = [1, 2]
jitter = 0.5
strong_jitter = [0.1, 0.2, 0.3]
[texture]
cells = [2, 4, 8]
augmentations = 3
"""
_CSV = (
    b"image,label,split,mask,kind,acquisition\na.png,good,train,,,monday\nb/c.png,1,test,m.png;n.png,hole,\n",
    b"sep=;\r\nimage;label\r\na.png;0\r\nb.png;nan\r\n",
    "image\tlabel\nbäh.png\tgut\n".encode("utf-16"),
)
_JSONL = (
    b'{"image": "a.png", "label": "good", "mask": ["m.png"], "split": "train"}\n'
    b'{"image": "b.png", "label": 1, "kind": "hole", "acquisition": null}\n',
)
_SOURCES = (
    b"rtsp://user:word@camera:554/1?x=y", b"drop:folder?after=move", b"genicam:1234", b"0",
    b"gstreamer:v4l2src device=/dev/video0 ! appsink", b"/dev/video3", b"${CAMERA}", b"@file",
    b"test:", b"http://[::1]:80/a.mjpeg", b"10,20,30,40",
)  # fmt: skip


def _read_line(content: bytes, folder: Path) -> None:
    path = folder / "line.toml"
    path.write_bytes(content)
    warnings_of(read_line(path))


def _settings(content: bytes, folder: Path) -> None:
    path = folder / "train.toml"
    path.write_bytes(content)
    settings_from_table(SynthesisSettings, read_toml(path), path.name)


def _list(suffix: str, content: bytes, folder: Path) -> None:
    path = folder / f"list{suffix}"
    path.write_bytes(content)
    found = read_list(path)
    home = folder.resolve()
    for sample in found.samples:
        for each in (sample.image, *sample.masks):
            there = each.resolve()
            assert there.is_relative_to(home) or there.is_file(), each


def _source(content: bytes, _: Path) -> None:
    """What a user writes as a source or an option."""
    text = content.decode("utf-8", "surrogateescape")
    redacted(text)
    value_from_text(text)
    for ask in (camera_of, roi_from_text, with_secrets):
        with suppress(ConfigError):
            ask(text)


@cache
def _database() -> bytes:
    """An outbox with a few verdicts, a label, an event and a sink."""
    with tempfile.TemporaryDirectory() as made:
        outbox = Outbox(Path(made), lambda _: None)
        for index in range(3):
            outbox.put(record(("stale", None)[index % 2], index=index, sequence=index + 1))
        outbox.register("plant")
        outbox.event("started", "", "ok", "The line began.")
        assert outbox.flush(20)
        outbox.label(outbox.after(0, 1)[0].record.id, "good", "Ada")
        assert outbox.flush(20)
        outbox.close()
        with closing(sqlite3.connect(Path(made, "outbox.db"))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode=DELETE")
        return Path(made, "outbox.db").read_bytes()


def _look(outbox: Outbox) -> None:
    """All that sinks and pages ask; each may be refused by itself."""
    for ask in (
        lambda: outbox.after(0, 100),
        lambda: list(outbox.between(0, 1e12)),
        lambda: outbox.rejects(10),
        lambda: outbox.find("x"),
        outbox.events,
        outbox.labels,
        lambda: outbox.waiting("plant"),
        lambda: outbox.prune(0.0),
    ):
        with suppress(SlsgError):
            ask()


def _outbox(content: bytes, folder: Path) -> None:
    """A damaged file: the line starts, takes a verdict, and answers whoever looks."""
    home = folder / "line"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    (home / "outbox.db").write_bytes(content)
    outbox = Outbox(home, lambda _: None)
    try:
        _look(outbox)
        kept = outbox.put(record("stale"))
        assert kept.wait(15), "a verdict was not stored"
        _look(outbox)
    finally:
        outbox.close()


def _stored(content: bytes, _: Path) -> None:
    """The text of one verdict in a file that is in order otherwise: every sink can say it."""
    text = content.decode("utf-8", "replace")
    found = stored_from(1, text, "an-id", "cap").record
    assert found.verdict in ("good", "anomalous", "undecided")
    assert record_from(text_of(found)) == found
    payload(metrics_of(found), 1, seconds_of(found.captured_at))
    words_of(Stored(1, found), 0, "ok")


def _audit(content: bytes, folder: Path) -> None:
    path = folder / "audit.jsonl"
    path.write_bytes(content)
    log = AuditLog(path)
    log.verify()
    log.newest(10)
    log.append("Ada", "a change", "a reason")
    assert log.newest(1)[0].who == "Ada"


@cache
def _log() -> bytes:
    with tempfile.TemporaryDirectory() as made:
        log = AuditLog(Path(made, "audit.jsonl"))
        for who in ("Ada", "Bob"):
            log.append(who, "cap: threshold from 0.5 to 0.6", "scratches")
        return Path(made, "audit.jsonl").read_bytes()


@cache
def _state() -> bytes:
    with tempfile.TemporaryDirectory() as made:
        evidence = Evidence()
        store_state(Path(made, "drift.json"), "key", {"score": evidence})
        return Path(made, "drift.json").read_bytes()


def _drift(content: bytes, folder: Path) -> None:
    path = folder / "drift.json"
    path.write_bytes(content)
    for evidence in (stored_state(path, "key") or {}).values():
        evidence.see(0.5, 0.01, random.Random(0))


def _ids(content: bytes, folder: Path) -> None:
    path = folder / "verdicts.jsonl"
    path.write_bytes(content)
    list(_last_ids(path))


def _first_hour(content: bytes, folder: Path) -> None:
    path, data = folder / "a.start.json", folder / "photos"
    data.mkdir(exist_ok=True)
    path.write_bytes(content.replace(b"DIGEST", photos_digest(data).encode()))
    read_record(path, data)


def _records() -> Sequence[bytes]:
    return [json.dumps(asdict(record(reason))).encode() for reason in (None, "stale")]


def _starts() -> Sequence[bytes]:
    return [json.dumps(asdict(FirstHour("photos", "DIGEST", "0"))).encode()]


TARGETS = (
    Target("line.toml", lambda: [_LINE], _read_line),
    Target("train.toml", lambda: [_TRAIN], _settings),
    Target("dataset.csv", lambda: _CSV, lambda c, f: _list(".csv", c, f)),
    Target("dataset.jsonl", lambda: _JSONL, lambda c, f: _list(".jsonl", c, f)),
    Target("source", lambda: _SOURCES, _source),
    Target("outbox.db", lambda: [_database()], _outbox),
    Target("stored verdict", _records, _stored),
    Target("audit.jsonl", lambda: [_log()], _audit),
    Target("drift.json", lambda: [_state()], _drift),
    Target("verdicts.jsonl", _records, _ids),
    Target("start.json", _starts, _first_hour),
)
