"""`slsg-edge trust`: whose bundles this machine opens."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import say, tell

if TYPE_CHECKING:
    from slsg_edge.bundle.trust_store import TrustedKey

trust_group = typer.Typer(no_args_is_help=True)


@trust_group.callback()
def _describe() -> None:
    """Say whose bundles this machine opens; once a key is trusted, no others are."""


@trust_group.command("add")
def add(
    path: Annotated[Path, typer.Argument(metavar="KEY.pub", help="The public key of a signer.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose it is; default: the file's name.")
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="ROLE", help="What it may sign as; default: builder."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="DATE", help="The last day that it counts.")
    ] = None,
) -> None:
    """Trust a key. From the first one on, bundles that nobody trusted signed are refused here."""
    from slsg_edge.bundle.keys import public_key_from
    from slsg_edge.bundle.trust_changes import add_key
    from slsg_edge.bundle.trust_store import store_folder
    from slsg_edge.cli.trust_options import end_of, note, role_named

    key, folder = public_key_from(path), store_folder()
    roles = tuple(dict.fromkeys(role_named(each) for each in role or ["builder"]))
    end = end_of(expires)
    added = add_key(folder, key, name or path.stem, roles, end.isoformat() if end else None)
    note(folder, f"trusts the key {added.name} ({added.id}) as {' and '.join(roles)}")
    tell(f"{folder}: trusts {added.name} as {' and '.join(roles)}, id {added.id}")
    say("note: this machine now opens only bundles that a trusted key signed")
    _say_owner(folder)


@trust_group.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """Show the keys that this machine trusts, and what a bundle needs."""
    import json
    from dataclasses import asdict

    from slsg_edge.bundle.trust_store import trusted_keys

    store = trusted_keys()
    if as_json:
        keys = [{**asdict(key), "id": key.id} for key in store.keys]
        table = {"folder": str(store.folder), "require": store.required, "keys": keys}
        tell(json.dumps({**table, "refused": dict(store.kept.refused)}))
        return
    if not store.enforced:
        tell(f"{store.folder}: no key is trusted, so every bundle is opened")
        return
    needs = " and ".join(store.required) or "any one of these keys"
    tell(f"{store.folder}: a bundle must be signed by {needs}")
    for key in store.keys:
        tell(f"  {key.id[:16]}  {_words(key)}")
    for fingerprint, why in store.kept.refused.items():
        tell(f"  release {fingerprint[:16]} is refused{f': {why}' if why else ''}")


@trust_group.command("require")
def require(
    roles: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ROLE]...", help="builder, releaser; none: any trusted key."),
    ] = None,
) -> None:
    """Say in which roles a bundle must be signed here; each by a key that may sign so."""
    from slsg_edge.bundle.trust_changes import require_roles
    from slsg_edge.bundle.trust_store import store_folder, trusted_keys
    from slsg_edge.cli.trust_options import note, role_named

    wanted = tuple(dict.fromkeys(role_named(role) for role in roles or []))
    folder = store_folder()
    require_roles(folder, wanted)
    needs = " and ".join(wanted) or "any trusted key"
    note(folder, f"a bundle must be signed by {needs}")
    tell(f"{folder}: a bundle must be signed by {needs}")
    held = {role for key in trusted_keys(folder).keys for role in key.roles if not key.fault}
    for role in wanted:
        if role not in held:
            say(f"warning: no key may sign as {role} yet, so no bundle opens; add one")


@trust_group.command("revoke")
def revoke(
    what: Annotated[
        str,
        typer.Argument(metavar="KEY|RELEASE", help="A key's name or id, or a release's 64 digits."),
    ],
    why: Annotated[str, typer.Option(metavar="TEXT", help="Why; it stands in refusals.")] = "",
) -> None:
    """Trust a key no longer, whatever it signed, or refuse one release whoever signed it."""
    from slsg_edge.bundle.trust_changes import refuse_bundle, revoke_key
    from slsg_edge.bundle.trust_store import store_folder, trusted_keys
    from slsg_edge.cli.trust_options import note

    folder = store_folder()
    if _is_release(what) and trusted_keys(folder).with_id(what) is None:
        refuse_bundle(folder, what, why)
        note(folder, f"refuses the release {what}", why)
        tell(f"{folder}: refuses the release {what[:16]}")
        return
    revoked = revoke_key(folder, what, why)
    note(folder, f"no longer trusts the key {revoked.name} ({revoked.id})", why)
    tell(f"{folder}: no longer trusts {revoked.name}")
    say("note: a line that runs goes on; a bundle that only this key signed is not opened again")


@trust_group.command("accept")
def accept(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A signed bundle.")],
) -> None:
    """Let this machine vouch for thresholds and engines that were made on it before it trusted
    a key. Everything else must be as it was signed.
    """
    from slsg_edge.bundle.device import accept as accept_bundle
    from slsg_edge.bundle.trust import trusted_keys
    from slsg_edge.cli.trust_options import note
    from slsg_edge.errors import ConfigError

    store = trusted_keys()
    if not store.enforced:
        raise ConfigError("This machine trusts no key.", fix="Run: slsg-edge trust add KEY.pub")
    names = accept_bundle(bundle, store)
    if names:
        note(store.folder, f"{bundle}: accepts {', '.join(names)}")
    tell(f"{bundle}: {'accepted: ' + ', '.join(names) if names else 'nothing to accept'}")


def _words(key: "TrustedKey") -> str:
    until = f", until {key.expires[:10]}" if key.expires else ""
    fault = f" ({key.fault})" if key.fault else ""
    return f"{key.name}: {' and '.join(key.roles)}{until}{fault}"


def _is_release(text: str) -> bool:
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)


def _say_owner(folder: Path) -> None:
    """Where root sets up a machine, the line runs as somebody else."""
    from slsg_edge.bundle.trust_store import DEVICE_KEY

    if os.name == "posix" and os.geteuid() == 0:
        say(
            f"note: for thresholds and engines of its own a line signs with {folder / DEVICE_KEY}; "
            "let that file belong to the account that runs the line"
        )
