"""Keys that sign bundles: Ed25519 (RFC 8032), in the PEM files that openssl reads, too.

A private key is for its owner's eyes alone, and one that others may read is not used.
"""

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slsg_edge.config import open_regular, read_regular
from slsg_edge.errors import ConfigError, MissingDependency
from slsg_edge.storage import storage_error, sync_folder

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PASSWORD = "SLSG_EDGE_KEY_PASSWORD"  # the variable of the environment that opens a key
PRIVATE_SUFFIX, PUBLIC_SUFFIX = ".key", ".pub"
EXTRA = "cpu"  # the smallest extra that brings `cryptography`
_LIMIT = 2**14  # bytes: a key takes 200
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class PublicKey:
    """raw: its 32 bytes."""

    raw: bytes

    @property
    def id(self) -> str:
        """The sha256 of the raw key, in hex digits."""
        return hashlib.sha256(self.raw).hexdigest()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def to_pem(self) -> bytes:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        return Ed25519PublicKey.from_public_bytes(self.raw).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """What signs."""

    _key: "Ed25519PrivateKey" = field(repr=False)

    @property
    def public(self) -> PublicKey:
        return PublicKey(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(message)


def require_cryptography() -> None:
    """MissingDependency where no signature can be made or checked."""
    try:
        import cryptography.hazmat.primitives.asymmetric.ed25519  # noqa: F401
    except ImportError as error:
        raise MissingDependency("cryptography", extra=EXTRA) from error


def new_key(path: Path, password: str | None = None) -> PublicKey:
    """A new private key at `path`, which only its owner may read, and the public one beside it.

    path: ends in `.key`; the public key's file ends in `.pub`. password: encrypts the private key.
    ConfigError where either is there already: a key that is written over is lost.
    """
    require_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if path.suffix != PRIVATE_SUFFIX:
        raise ConfigError(
            f"'{path}' is no name of a private key.", fix=f"Let it end in {PRIVATE_SUFFIX}."
        )
    public_path = path.with_suffix(PUBLIC_SUFFIX)
    for there in (path, public_path):
        if os.path.lexists(there):
            raise _is_there(there)
    made = Ed25519PrivateKey.generate()
    key = PrivateKey(made)
    _write_new(path, _private_pem(made, password), 0o600)
    _write_new(public_path, key.public.to_pem(), 0o644)
    return key.public


def private_key_from(path: Path, password: str | None = None) -> PrivateKey:
    """ConfigError for what is no Ed25519 key, one that others may read, or a wrong password."""
    require_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _private_content(path)
    secret = password.encode() if password and b"ENCRYPTED" in content else None
    try:
        key = load_pem_private_key(content, secret)
    except TypeError as error:
        raise ConfigError(
            f"{path} is encrypted.", fix=f"Set its password as {PASSWORD} in the environment."
        ) from error
    except Exception as error:  # ValueError, UnsupportedAlgorithm, and what OpenSSL has of its own
        raise _no_key(path, "private") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "private")
    return PrivateKey(key)


def public_key_from(path: Path) -> PublicKey:
    """ConfigError for what is no public Ed25519 key in PEM."""
    require_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(read_regular(path, _LIMIT))
    except OSError as error:
        raise _unreadable(path, error) from error
    except Exception as error:
        raise _no_key(path, "public") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, "public")
    return PublicKey(key.public_bytes_raw())


def _private_content(path: Path) -> bytes:
    """Whose permissions are checked on the very file that is read."""
    try:
        with open_regular(path, _LIMIT) as file:
            state = os.fstat(file.fileno())
            content = file.read(_LIMIT)
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:
        raise _no_key(path, "private") from error
    mode = stat.S_IMODE(state.st_mode)
    if os.name == "posix" and mode & _OTHERS:
        raise ConfigError(
            f"Others may use the private key {path}: its mode is {mode:03o}.",
            fix=f"Run: chmod 600 {path}; where others had access, make a new key.",
        )
    if os.name == "posix" and state.st_uid not in (os.geteuid(), 0):
        raise ConfigError(
            f"The private key {path} belongs to another account.", fix="Use a key of your own."
        )
    return content


def _private_pem(key: "Ed25519PrivateKey", password: str | None) -> bytes:
    from cryptography.hazmat.primitives import serialization

    encryption = (
        serialization.BestAvailableEncryption(password.encode())
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Created, never overwritten, and never readable by others for a moment."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.absolute().parent)
    except FileExistsError as error:
        raise _is_there(path) from error
    except OSError as error:
        raise storage_error(path, error) from error


def _is_there(path: Path) -> ConfigError:
    return ConfigError(
        f"{path} is there already, and a key that is written over is lost.",
        fix="Give another name.",
    )


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"The key {path} cannot be read: {error.strerror}.",
        fix="Check the path and its permissions.",
    )


def _no_key(path: Path, kind: str) -> ConfigError:
    return ConfigError(
        f"{path} is no {kind} key that can be used here: an Ed25519 key in PEM is due"
        + (", with its right password." if kind == "private" else "."),
        fix="Make one: slsg-edge key new NAME.key",
    )
