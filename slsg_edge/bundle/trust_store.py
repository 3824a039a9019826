"""The keys that a machine trusts: a folder with `trust.json` and the machine's own key.

What a name and a role of a key are is said here, by whoever looks after the machine, and not by
who made the key. A store that others may write is not believed.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from slsg_edge.bundle.keys import PrivateKey, PublicKey, private_key_from
from slsg_edge.bundle.statement import Role, now
from slsg_edge.config import json_from, read_regular, settings_from_table, without_none
from slsg_edge.errors import ConfigError

VARIABLE = "SLSG_EDGE_TRUST"
STORE_FILE = "trust.json"
DEVICE_KEY = "device.key"
AUDIT_FILE = "audit.jsonl"  # of what was changed in the store, and signed by the machine
SYSTEM = Path("/etc/slsg-edge/trust")
FORMAT = 1
_LIMIT = 2**20  # bytes
_MOST_KEYS = 1000
_SHORTEST = 8  # hex digits of a key's id that name it
_WRITABLE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """name: for people. public: the raw key in hex digits. roles: what its signatures may say.

    added, expires, revoked: ISO 8601 with a time zone. why: of the revocation.
    """

    name: str
    public: str
    roles: tuple[Role, ...]
    added: str
    expires: str | None = None
    revoked: str | None = None
    why: str | None = None

    @property
    def key(self) -> PublicKey:
        return PublicKey(bytes.fromhex(self.public))

    @property
    def id(self) -> str:
        return self.key.id

    @property
    def fault(self) -> str | None:
        """Why its signatures no longer count."""
        if self.revoked:
            because = f": {self.why}" if self.why else ""
            return f"the key {self.name} was revoked on {self.revoked[:10]}{because}"
        if self.expires and now() > datetime.fromisoformat(self.expires):
            return f"the key {self.name} expired on {self.expires[:10]}"
        return None


@dataclass(frozen=True, slots=True)
class Kept:
    """What `trust.json` says. device: the machine's own key; refused: fingerprints, and why."""

    format: int = FORMAT
    require: tuple[Role, ...] = ()
    device: str | None = None
    keys: tuple[TrustedKey, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrustStore:
    """The keys that this machine trusts. folder: where they are kept.

    required: the roles that a bundle must be signed in; none: one signature of any trusted key.
    """

    folder: Path
    kept: Kept = Kept()

    @property
    def keys(self) -> tuple[TrustedKey, ...]:
        return self.kept.keys

    @property
    def required(self) -> tuple[Role, ...]:
        return self.kept.require

    @property
    def enforced(self) -> bool:
        """Whether a bundle must be signed here: some key was trusted, even if revoked since."""
        return bool(self.kept.keys)

    @property
    def device(self) -> PublicKey | None:
        return PublicKey(bytes.fromhex(self.kept.device)) if self.kept.device else None

    def with_id(self, key: str) -> TrustedKey | None:
        return next((known for known in self.keys if known.id == key), None)

    def named(self, name: str) -> TrustedKey:
        """By its name or the beginning of its id; ConfigError for none, or several."""
        found = [
            key
            for key in self.keys
            if key.name == name or (len(name) >= _SHORTEST and key.id.startswith(name))
        ]
        if len(found) != 1:
            known = ", ".join(key.name for key in self.keys) or "none"
            raise ConfigError(
                f"'{name}' is not one key that this machine trusts.",
                fix=f"Give a name or the first {_SHORTEST} digits of an id. Known: {known}.",
            )
        return found[0]

    def device_key(self) -> PrivateKey:
        """The machine's own, for what is changed on the line; ConfigError where it cannot be used.

        Only who may read it may change a signed bundle here.
        """
        path = self.folder / DEVICE_KEY
        try:
            key = private_key_from(path)
        except ConfigError as error:
            raise ConfigError(
                f"What is changed in a signed bundle must be signed by this machine. {error.what}",
                fix=f"Run this as the account that {path} belongs to.",
            ) from error
        if key.public != self.device:
            raise ConfigError(
                f"{path} is not the key that {self.folder / STORE_FILE} names as this machine's.",
                fix="Put the right one back, or set up the store anew.",
            )
        return key


def store_folder() -> Path:
    """$SLSG_EDGE_TRUST, else /etc/slsg-edge/trust when it is there, else the account's own."""
    if given := os.environ.get(VARIABLE):
        return Path(given)
    if os.path.lexists(SYSTEM):
        return SYSTEM
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "slsg-edge/trust"


def trusted_keys(store: Path | None = None) -> TrustStore:
    """Of the folder `store`, or of `store_folder()`. ConfigError where it is damaged, others may
    write it, or the one that is given is not there: nothing would be checked then.
    """
    folder = store or store_folder()
    path = folder / STORE_FILE
    try:
        _require_private(folder)
        _require_private(path)
        content = read_regular(path, _LIMIT)
    except (FileNotFoundError, NotADirectoryError) as error:
        return _empty(folder, given=store is not None, error=error)
    except OSError as error:
        raise ConfigError(
            f"The trust store {path} cannot be read: {error.strerror}.",
            fix="Let this account read it; nothing is opened as long as it cannot.",
        ) from error
    except ValueError as error:
        raise _damaged(path, error) from error
    return TrustStore(folder, _kept(content, path))


def _require_private(path: Path) -> None:
    """ConfigError where another account than this one and root may write it."""
    state = path.stat()
    if os.name != "posix":
        return
    if state.st_mode & _WRITABLE or state.st_uid not in (0, os.geteuid()):
        raise ConfigError(
            f"Others may write {path}, so the keys in it cannot be believed.",
            fix=f"See who changed it, then run: chmod go-w {path}; it must belong to root or to "
            "the account that runs this.",
        )


def _empty(folder: Path, *, given: bool, error: OSError) -> TrustStore:
    named = given or bool(os.environ.get(VARIABLE))
    if named and not folder.is_dir():
        raise ConfigError(
            f"There is no trust store at {folder}.",
            fix=f"Set {VARIABLE} to its folder, or make it: slsg-edge trust add KEY.pub",
        ) from error
    return TrustStore(folder)


def _kept(content: bytes, path: Path) -> Kept:
    try:
        table = json_from(content, _LIMIT)
        kept = settings_from_table(Kept, without_none(table), STORE_FILE)
        if kept.format != FORMAT:
            raise ValueError(f"format {kept.format}, but this version reads format {FORMAT}")
        if len(kept.keys) > _MOST_KEYS:
            raise ValueError(f"it holds more than {_MOST_KEYS} keys")
        for key in kept.keys:
            _require_sound(key)
        if kept.device is not None:
            _require_raw(kept.device)
    except ConfigError as error:
        raise _damaged(path, error.what) from error
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise _damaged(path, error) from error
    return kept


def _require_sound(key: TrustedKey) -> None:
    """ValueError for what no key says."""
    _require_raw(key.public)
    for time in (key.added, key.expires, key.revoked):
        if time is not None and datetime.fromisoformat(time).tzinfo is None:
            raise ValueError(f"a time of {key.name} has no time zone")


def _require_raw(text: str) -> None:
    if len(bytes.fromhex(text)) != 32:
        raise ValueError("a key has not 32 bytes")


def _damaged(path: Path, why: object) -> ConfigError:
    return ConfigError(
        f"The trust store {path} is damaged: {str(why).rstrip('.')}.",
        fix="Put a copy of it back; nothing is opened as long as it is damaged.",
    )
