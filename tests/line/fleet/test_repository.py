"""What a line PC takes from a repository, and what it refuses."""

import json
import shutil
import threading
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from deploys import Here, state_of, variant
from fleets import Published, line_of, update

pytest.importorskip("tuf", reason="pip install 'slsg-edge[fleet]'")

from slsg_edge.bundle.archive import pack
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.keys import new_key, private_key_from, public_key_from
from slsg_edge.bundle.trust_changes import add_key
from slsg_edge.errors import ConfigError
from slsg_edge.line.deploy import staging
from slsg_edge.line.deploy.active import bundle_of
from slsg_edge.line.deploy.deploying import roll_back
from slsg_edge.line.fleet.publishing import new_repository, refresh
from slsg_edge.line.fleet.pulling import last_pull
from slsg_edge.line.fleet.updating import pull
from slsg_edge.line.settings.reading import read_line
from slsg_edge.stages.sign import sign


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(staging, "Apart", Here)


@pytest.fixture
def base(toy_bundle):
    return variant(toy_bundle, "base", 0.99)


@pytest.fixture
def published(tmp_path):
    return Published(tmp_path)


@pytest.fixture
def line(base, published, tmp_path):
    return read_line(line_of(tmp_path / "pc", base, update(published.place, published.root)))


def pulled(line, **options):
    return pull(line, lambda text: None, **options)


def active(line):
    return bundle_of(line.station[0], line.folder)


def test_a_new_release_is_taken_once(line, base, published):
    assert pulled(line).state == "current"
    fingerprint = published.publish(variant(base, "other", 0.9))
    assert (pulled(line).state, active(line).stem) == ("taken", fingerprint)
    assert pulled(line).state == "current"
    assert last_pull(line.folder).said == "nothing new"
    assert "channel stable" in (line.folder / "audit.jsonl").read_text()


def test_what_runs_already_and_other_products_are_left(line, base, published):
    published.publish(base)
    published.publish(variant(base, "other", 0.9), product="cans")
    assert (pulled(line).state, active(line)) == ("current", base)


def test_a_release_that_was_taken_back_here_is_not_taken_again(line, base, published):
    published.publish(variant(base, "other", 0.9))
    pulled(line)
    roll_back(line, line.station[0], "no good", "a test")
    assert (pulled(line).state, active(line)) == ("current", base)
    newer = published.publish(variant(base, "third", 0.8))
    assert (pulled(line).state, active(line).stem) == ("taken", newer)


def test_over_http_too(base, published, tmp_path):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_) -> None: ...

    handler = partial(Quiet, directory=str(published.place))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        line = read_line(line_of(tmp_path / "pc", base, update(address, published.root)))
        fingerprint = published.publish(variant(base, "other", 0.9))
        assert (pulled(line).state, active(line).stem) == ("taken", fingerprint)
    finally:
        server.shutdown()
        server.server_close()
    assert pulled(line).state == "unreachable"


def change_target(published):
    path = next((published.place / "targets").rglob("*.zip"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def change_metadata(published):
    path = published.place / "metadata" / "2.targets.json"
    before = path.read_text()
    path.write_text(before.replace('"length":', '"length":1'))
    assert path.read_text() != before


def other_keys(published):
    """A mirror that signs for itself."""
    shutil.rmtree(published.place)
    shutil.rmtree(published.keys)
    new_repository(published.place, published.keys, timedelta(days=30))


def no_json(published):
    (published.place / "metadata" / "timestamp.json").write_bytes(b"{")


@pytest.mark.parametrize("harm", [change_target, change_metadata, other_keys, no_json])
def test_a_mirror_that_was_tampered_with_is_refused(harm, line, base, published):
    published.publish(variant(base, "other", 0.9))
    harm(published)
    found = pulled(line)
    assert (found.state, active(line)) == ("refused", base)
    assert "is refused" in found.said


def test_a_mirror_that_goes_back_is_refused(line, base, published, tmp_path):
    published.publish(variant(base, "other", 0.9))
    shutil.copytree(published.place, tmp_path / "old")
    newer = published.publish(variant(base, "third", 0.8))
    assert pulled(line).state == "taken"
    shutil.rmtree(published.place)
    (tmp_path / "old").rename(published.place)
    assert (pulled(line).state, active(line).stem) == ("refused", newer)


def test_a_mirror_that_stands_still_is_refused_until_it_is_renewed(line, base, published):
    fingerprint = published.publish(variant(base, "other", 0.9), fresh=timedelta(seconds=-1))
    found = pulled(line)
    assert (found.state, "xpired" in found.said, active(line)) == ("refused", True, base)
    refresh(published.place, published.keys, timedelta(days=1))
    assert (pulled(line).state, active(line).stem) == ("taken", fingerprint)


def test_a_publication_that_was_cut_short_is_as_none(line, base, published, monkeypatch):
    other = published.publish(variant(base, "other", 0.9))
    timestamp = (published.place / "metadata" / "timestamp.json").read_bytes()
    published.publish(variant(base, "third", 0.8))
    (published.place / "metadata" / "timestamp.json").write_bytes(timestamp)
    assert (pulled(line).state, active(line).stem) == ("taken", other)
    newest = published.publish(variant(base, "fourth", 0.7))
    assert (pulled(line).state, active(line).stem) == ("taken", newest)


def test_without_a_root_nobody_is_trusted(base, published, tmp_path):
    path = line_of(tmp_path / "pc", base, f'[update]\nrepository = "{published.place}"\n')
    found = pulled(read_line(path))
    assert (found.state, "whom to trust" in found.said) == ("trouble", True)


def test_keys_that_others_may_read_sign_nothing(base, published):
    (published.keys / "releases.pem").chmod(0o644)
    with pytest.raises(ConfigError, match="Others may read"):
        published.publish(base)


@pytest.fixture
def signer(tmp_path, monkeypatch):
    """A key that this machine trusts, in a store of its own."""
    store = tmp_path / "trust"
    store.mkdir(mode=0o700)
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(store))
    new_key(tmp_path / "maker.key")
    add_key(store, public_key_from(tmp_path / "maker.pub"), "maker", ("builder",), None)
    return private_key_from(tmp_path / "maker.key")


def dropped(bundle, folder):
    folder.mkdir(exist_ok=True)
    return pack(open_bundle(bundle), folder / "base.slsg.zip")


def test_what_is_dropped_must_be_signed(base, tmp_path, published):
    path = line_of(tmp_path / "pc", base, '[update]\ndrop = "stick"\n')
    line = read_line(path)
    dropped(variant(base, "other", 0.9), tmp_path / "pc" / "stick")
    found = pulled(line)
    assert (found.state, "is not signed" in found.said) == ("refused", True)
    assert pulled(line).state == "current"  # it was looked at
    assert active(line) == base


def test_what_is_dropped_and_signed_is_taken(base, tmp_path, signer):
    sign(base, signer, "builder")
    line = read_line(line_of(tmp_path / "pc", base, '[update]\ndrop = "stick"\n'))
    other = variant(base, "other", 0.9)
    sign(other, signer, "builder")
    dropped(other, tmp_path / "pc" / "stick")
    found = pulled(line)
    assert (found.state, found.said.startswith("a gets")) == ("taken", True), found
    assert "maker (builder)" in (line.folder / "audit.jsonl").read_text()


def test_where_a_key_is_trusted_an_unsigned_release_is_refused(base, line, published, signer):
    published.publish(variant(base, "other", 0.9))
    found = pulled(line)
    assert found.state == "refused", found
    assert state_of(line).active == ""
    assert json.loads((line.folder / "update" / "pull.json").read_text())["state"] == "refused"
