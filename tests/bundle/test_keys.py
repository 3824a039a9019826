"""Keys: private ones for their owner alone, and none that is written over."""

import subprocess

import pytest

from slsg_edge.bundle.envelope import envelopes_from, signed
from slsg_edge.bundle.keys import PublicKey, new_key, private_key_from, public_key_from
from slsg_edge.errors import ConfigError


@pytest.fixture
def path(tmp_path):
    new_key(tmp_path / "a.key")
    return tmp_path / "a.key"


def test_a_new_key_is_for_its_owner_and_its_public_half_fits(path):
    assert path.stat().st_mode & 0o777 == 0o600
    private, public = private_key_from(path), public_key_from(path.with_suffix(".pub"))
    assert private.public == public
    assert public.verifies(private.sign(b"x"), b"x")
    assert not public.verifies(private.sign(b"x"), b"y")
    assert not public.verifies(b"short", b"x")
    assert not PublicKey(bytes(32)).verifies(private.sign(b"x"), b"x")


@pytest.mark.parametrize("there", ["a.key", "a.pub"])
def test_no_key_is_written_over(path, there):
    before = path.read_bytes()
    if there == "a.pub":
        path.rename(path.with_name("b.key"))
        path = path.with_name("b.key")
    with pytest.raises(ConfigError, match=rf"{there} is there already"):
        new_key(path.with_name("a.key"))
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666, 0o601])
def test_a_key_that_others_may_use_is_refused(path, mode):
    path.chmod(mode)
    with pytest.raises(ConfigError, match=rf"its mode is {mode:o}.*chmod 600"):
        private_key_from(path)


def test_a_password_is_needed_where_there_is_one(tmp_path):
    path = tmp_path / "a.key"
    public = new_key(path, "secret")
    assert b"ENCRYPTED" in path.read_bytes()
    assert private_key_from(path, "secret").public == public
    with pytest.raises(ConfigError, match="is encrypted"):
        private_key_from(path)
    with pytest.raises(ConfigError, match="with its right password"):
        private_key_from(path, "wrong")


def test_a_password_that_is_not_needed_does_no_harm(path):
    assert private_key_from(path, "secret").public


@pytest.mark.parametrize("content", [b"", b"x", b"-----BEGIN PRIVATE KEY-----\n", bytes(20_000)])
def test_what_is_no_key_is_a_sentence(path, content):
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="no private key that can be used"):
        private_key_from(path)
    path.with_suffix(".pub").write_bytes(content)
    with pytest.raises(ConfigError, match="no public key that can be used"):
        public_key_from(path.with_suffix(".pub"))


def test_keys_of_another_kind_are_refused(path):
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    key = generate_private_key(SECP256R1())
    pem = (form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    path.write_bytes(key.private_bytes(*pem))
    with pytest.raises(ConfigError, match="no private key"):
        private_key_from(path)
    public = key.public_key().public_bytes(
        form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo
    )
    path.with_suffix(".pub").write_bytes(public)
    with pytest.raises(ConfigError, match="no public key"):
        public_key_from(path.with_suffix(".pub"))


@pytest.mark.parametrize("name", ["away.key", ""])
def test_a_key_that_is_not_there_is_a_sentence(tmp_path, name):
    with pytest.raises(ConfigError, match=r"cannot be read|can be used"):
        private_key_from(tmp_path / name)
    with pytest.raises(ConfigError, match="Let it end in"):
        new_key(tmp_path / "x.pem")


def test_an_envelope_is_read_as_it_was_written(path):
    private = private_key_from(path)
    made = signed(b"what is said", private)
    (read,) = envelopes_from(made.to_line())
    assert read == made
    assert read.holds_for(private.public)


def test_openssl_takes_the_keys(path):
    try:
        shown = subprocess.run(
            ["openssl", "pkey", "-in", str(path), "-pubout"], capture_output=True, check=True
        )
    except FileNotFoundError:
        pytest.skip("no openssl")
    assert shown.stdout == path.with_suffix(".pub").read_bytes()
