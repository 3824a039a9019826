"""What the commands around keys share: roles, dates, and the log of the store."""

import getpass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from slsg_edge.cli.text import say
from slsg_edge.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from slsg_edge.bundle.statement import Role
    from slsg_edge.bundle.trust import Trusted


def role_named(name: str) -> "Role":
    """ConfigError for none of them."""
    from slsg_edge.bundle.statement import ROLES
    from slsg_edge.config import unknown_name

    for role in ROLES:
        if role == name:
            return role
    raise unknown_name(name, ROLES, what="role")


def end_of(day: str | None) -> datetime | None:
    """The last second of a day, UTC; ConfigError for what is no date."""
    if day is None:
        return None
    try:
        read = datetime.strptime(day, "%Y-%m-%d")
    except ValueError as error:
        raise ConfigError(f"'{day}' is no date.", fix="Give one as in 2027-12-31.") from error
    return read.replace(hour=23, minute=59, second=59, tzinfo=timezone.utc)


def note(folder: Path, what: str, why: str = "") -> None:
    """A line in the log of the store, of what was done; a log that cannot be written is told."""
    from slsg_edge.bundle.trust_store import AUDIT_FILE
    from slsg_edge.line.dashboard.audit import AuditLog

    try:
        AuditLog(folder / AUDIT_FILE).append(_account(), what, why)
    except StorageError as error:
        say(f"warning: this is not in the log of changes: {error.what}")


def trust_line(trusted: "Trusted", path: Path) -> str:
    """Who vouches for a bundle, for people."""
    from slsg_edge.bundle.voices import is_signed

    if not trusted.signed:
        signed = "signed" if is_signed(path) else "not signed"
        return f"{signed}; this machine trusts no key yet, so it opens every bundle"
    names = ", ".join(f"{signer.name} ({signer.role})" for signer in trusted.signers)
    ends = min((signer.expires for signer in trusted.signers if signer.expires), default=None)
    until = f", until {ends[:10]}" if ends else ""
    here = "; thresholds or engines of this machine's own" if trusted.changed_here else ""
    return f"signed by {names}{until}; release {trusted.fingerprint[:16]}{here}"


def note_change(path: Path, command: str) -> None:
    """After a command changed a bundle: whether its signatures still hold."""
    from slsg_edge.bundle.trust import require_trusted, trusted_keys
    from slsg_edge.bundle.voices import covers_manifest, is_signed
    from slsg_edge.errors import UntrustedBundle

    if not is_signed(path):
        return
    store = trusted_keys()
    if not store.enforced and not covers_manifest(path):
        say("note: its signatures are older than this change; sign it again when it is done")
    if not store.enforced:
        return
    try:
        require_trusted(path, store)
    except UntrustedBundle as error:
        say(f"warning: {error.what} Nothing on this machine opens it until it is signed again.")
        return
    note(store.folder, f"{path}: {command}, signed by this machine")


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in a container
        return "unknown account"
