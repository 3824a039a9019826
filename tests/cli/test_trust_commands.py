"""Keys, signatures, trust and the log of changes, from the first command to the refusal."""

import json
import shutil

import pytest


@pytest.fixture
def here(tmp_path, toy_bundle, monkeypatch):
    """A bundle x.slsg, and a machine that trusts nobody yet."""
    monkeypatch.chdir(tmp_path)
    toy_bundle.rename("x.slsg")
    (tmp_path / "trust").mkdir()
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(tmp_path / "trust"))
    return tmp_path


@pytest.fixture
def signed(here, run):
    """By alice, whom the machine trusts."""
    for words in ("key new alice.key", "sign x.slsg --key alice.key", "trust add alice.pub"):
        code, err = run(*words.split())
        assert code == 0, err
    return here


VERIFY = ("verify", "x.slsg", "--backend", "onnxruntime-fp32")


def test_a_machine_that_trusts_nobody_says_so(here, run_and_read):
    code, out, _ = run_and_read(*VERIFY)
    assert (code, "not signed; this machine trusts no key yet" in out) == (0, True)
    assert "no key is trusted, so every bundle is opened" in run_and_read("trust", "list")[1]
    assert "no key is trusted" in run_and_read("doctor", "--json")[1]


def test_a_signed_bundle_runs_and_an_unsigned_one_does_not(signed, run_and_read, images):
    code, out, _ = run_and_read(*VERIFY)
    assert (code, "signed by alice (builder); release " in out) == (0, True)
    trust = json.loads(run_and_read(*VERIFY, "--json")[1])["trust"]
    assert (trust["signed"], trust["signers"][0]["name"]) == (True, "alice")
    assert run_and_read("watch", "x.slsg", images)[1].count('"verdict"') == 4
    (signed / "x.slsg/signatures.jsonl").unlink()
    for words in (VERIFY, ("watch", "x.slsg", images)):
        code, out, err = run_and_read(*words)
        assert (code, out) == (2, "")
        assert "x.slsg is not trusted: it is not signed" in err
        assert "slsg-edge sign x.slsg --key" in err


def test_a_line_refuses_it_too(signed, run, run_and_read):
    (signed / "x.slsg/golden.npz").unlink()
    code, out, _ = run_and_read("line", "check", line_toml(signed))
    assert code == 1
    assert "x.slsg is not trusted: golden.npz, which was signed, is missing" in out


def line_toml(folder):
    path = folder / "line.toml"
    path.write_text('[[station]]\nname = "a"\nsource = "test:"\nbundle = "x.slsg"\n')
    return path


def test_roles_expiry_and_revocation(signed, run_and_read):
    code, _, err = run_and_read("trust", "require", "builder", "releaser")
    assert (code, "no key may sign as releaser yet" in err) == (0, True)
    assert "no releaser signed it" in run_and_read(*VERIFY)[2]
    run_and_read("key", "new", "bob.key")
    run_and_read("trust", "add", "bob.pub", "--role", "releaser", "--name", "Bob")
    words = ("sign", "x.slsg", "--key", "bob.key", "--role", "releaser")
    run_and_read(*words, "--expires", "2999-12-31")
    code, out, _ = run_and_read(*VERIFY)
    assert (code, "alice (builder), Bob (releaser), until 2999-12-31" in out) == (0, True)
    run_and_read("trust", "revoke", "Bob", "--why", "left")
    code, _, err = run_and_read(*VERIFY)
    assert (code, "the key Bob was revoked on" in err) == (2, True)
    listed = run_and_read("trust", "list")[1]
    assert "must be signed by builder and releaser" in listed
    assert "Bob: releaser (the key Bob was revoked" in listed
    run_and_read("trust", "require")
    assert run_and_read(*VERIFY)[0] == 0


def test_one_release_can_be_revoked(signed, run_and_read):
    release = json.loads(run_and_read(*VERIFY, "--json")[1])["trust"]["release"]
    assert run_and_read("trust", "revoke", release, "--why", "misses dents")[0] == 0
    code, _, err = run_and_read(*VERIFY)
    assert (code, "was revoked on this machine: misses dents" in err) == (2, True)
    assert "refused: misses dents" in run_and_read("trust", "list")[1]


def test_a_threshold_that_is_moved_here_goes_on_and_is_in_the_log(signed, run_and_read):
    code, _, err = run_and_read("calibrate", "x.slsg", "--threshold", "0.6")
    assert (code, "warning" in err) == (0, False)
    assert "of this machine's own" in run_and_read(*VERIFY)[1]
    log = (signed / "trust/audit.jsonl").read_text()
    assert "x.slsg: threshold 0.6, signed by this machine" in log
    text = (signed / "x.slsg/manifest.json").read_text()
    (signed / "x.slsg/manifest.json").write_text(text.replace('"value": 0.6', '"value": 0.9'))
    code, _, err = run_and_read(*VERIFY)
    assert (code, "manifest.json is not the file that was signed" in err) == (2, True)


def test_a_change_elsewhere_says_that_signatures_are_old(signed, run, tmp_path, monkeypatch):
    (tmp_path / "nobody").mkdir()
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(tmp_path / "nobody"))
    assert "sign it again when it is done" in run("calibrate", "x.slsg", "--threshold", "0.6")[1]
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(tmp_path / "trust"))
    assert run(*VERIFY)[0] == 2
    assert run("trust", "accept", "x.slsg")[0] == 0
    assert run(*VERIFY)[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("sign x.slsg --key away.key", "cannot be read"),
        ("sign x.slsg --key alice.pub", "others may use|no private key"),
        ("sign x.slsg --key alice.key --role king", "Unknown role: 'king'"),
        ("sign x.slsg --key alice.key --expires soon", "'soon' is no date"),
        ("sign x.slsg --key alice.key --expires 2020-01-01", "2020-01-01 has passed"),
        ("sign away.slsg --key alice.key", "There is no away"),
        ("key new alice.key", "is there already"),
        ("key new alice", "is no name of a private key"),
        ("key show alice.key", "no public key"),
        ("trust add alice.key", "no public key"),
        ("trust add alice.pub", "is there already"),
        ("trust revoke nobody", "is not one key that this machine trusts"),
        ("trust require king", "Unknown role"),
        ("trust accept away.slsg", "cannot be read"),
        ("audit verify away", "There is no log of changes at away"),
        ("audit verify .", "There is no log of changes at audit.jsonl"),
    ],
)
def test_bad_input_is_a_sentence(signed, run, words, said):
    import re

    code, err = run(*words.split())
    assert code == 2
    assert re.search(said, err, re.IGNORECASE), err


def test_the_log_is_verified_away_from_the_line(signed, run_and_read):
    run_and_read("trust", "revoke", "alice")
    code, out, _ = run_and_read("audit", "verify", "trust")
    assert (code, "2 changes, each follows from the one before" in out) == (0, True)
    code, _, err = run_and_read("audit", "export", "trust", "-o", "copy.jsonl")
    assert code == 0
    command = err.split("next: slsg-edge ")[1].split()
    assert run_and_read(*command)[0] == 0
    head = command[-1]
    lines = (signed / "copy.jsonl").read_text().splitlines(keepends=True)
    (signed / "cut.jsonl").write_text(lines[0])
    assert run_and_read("audit", "verify", "cut.jsonl")[0] == 0
    code, out, _ = run_and_read("audit", "verify", "cut.jsonl", "--head", head)
    assert (code, "none of them is the one that was asked for" in out) == (1, True)
    (signed / "bent.jsonl").write_text(lines[0].replace("alice", "mallory") + lines[1])
    code, out, _ = run_and_read("audit", "verify", "bent.jsonl")
    assert (code, "line 2 does not follow" in out) == (1, True)
    assert json.loads(run_and_read("audit", "verify", "bent.jsonl", "--json")[1])["broken"] == 2
    run_and_read("trust", "require", "builder")
    assert run_and_read("audit", "verify", "trust", "--head", head)[0] == 0  # it has grown since
    code, _, err = run_and_read("audit", "export", "bent.jsonl", "-o", "again.jsonl")
    assert (code, "line 2 does not follow" in err) == (1, True)
    shutil.rmtree(signed / "trust")
