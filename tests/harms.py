"""What somebody may do to a bundle on its way to a line, and what `watch` says of it.

HARMS: of signed bundles on a machine that trusts their maker. The name of each is what was done.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from signed import ENGINE, World, key_in

from slsg_edge.bundle import envelope
from slsg_edge.bundle.statement import Entry, Statement, now, statement_from
from slsg_edge.bundle.trust_changes import refuse_bundle, require_roles, revoke_key

Harm = Callable[[World], object]


def cut(name: str, share: float) -> Harm:
    def harm(world: World) -> None:
        path = world.bundle / name
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    return harm


def flip(name: str, share: float) -> Harm:
    """One bit of one byte; the length stays."""

    def harm(world: World) -> None:
        path = world.bundle / name
        content = bytearray(path.read_bytes())
        content[int(len(content) * share)] ^= 4
        path.write_bytes(content)

    return harm


def swap(first: str, second: str) -> Harm:
    def harm(world: World) -> None:
        one, other = (world.bundle / name for name in (first, second))
        held = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(held)

    return harm


def take(*names: str) -> Harm:
    """From the other bundle, which the same maker signed."""

    def harm(world: World) -> None:
        for name in names:
            shutil.copy(world.other / name, world.bundle / name)

    return harm


def put(name: str, content: bytes = b"x") -> Harm:
    def harm(world: World) -> None:
        (world.bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (world.bundle / name).write_bytes(content)

    return harm


def remove(name: str) -> Harm:
    return lambda world: (world.bundle / name).unlink()


def link(name: str, symbolic: bool = True) -> Harm:
    """The very file, moved out of the bundle."""

    def harm(world: World) -> None:
        path, outside = world.bundle / name, world.folder / "outside"
        path.rename(outside)
        if symbolic:
            path.symlink_to(outside)
        else:
            os.mkfifo(path)

    return harm


def sparse(name: str, size: int) -> Harm:
    def harm(world: World) -> None:
        with (world.bundle / name).open("wb") as file:
            file.truncate(size)

    return harm


def said(world: World) -> Statement:
    return statement_from(world.payloads()[0])


def envelopes(change: Callable[[dict[str, object]], object]) -> Harm:
    """The stored line of JSON after `change`."""

    def harm(world: World) -> None:
        table = json.loads(world.signatures.read_bytes())
        change(table)
        world.signatures.write_text(json.dumps(table) + "\n")

    return harm


def by_stranger(world: World) -> None:
    world.write_signatures((said(world), world.stranger))


def in_makers_name(world: World) -> None:
    """The stranger's signature, with the id of the maker's key."""
    made = envelope.signed(said(world).to_bytes(), world.stranger)
    world.signatures.write_bytes(replace(made, key=world.maker.public.id).to_line())


def with_statement(**changes: object) -> Harm:
    """By the maker himself."""
    return lambda world: world.write_signatures(
        (replace(said(world), **changes), world.maker)  # type: ignore[arg-type]
    )


def as_device(world: World) -> None:
    """The machine's own key vouches for a model of another maker."""
    (world.bundle / "model.onnx").write_bytes(b"another model")
    statement = said(world)
    device = key_in(world.store, "device")
    world.write_signatures((statement, world.maker), (statement, device))


def of_another_machine(world: World) -> None:
    """An engine, and the signature of the machine that built it."""
    path = world.bundle / ENGINE
    path.write_bytes(b"foreign")
    entry = Entry("0" * 64, len(b"foreign"))
    foreign = Statement("device", {ENGINE: entry}, {"of": said(world).fingerprint})
    world.write_signatures((said(world), world.maker), (foreign, world.stranger))


def replayed(world: World) -> None:
    """The signatures of before the maker changed the bundle."""
    old = world.signatures.read_bytes()
    path = world.bundle / "manifest.json"
    path.write_text(path.read_text().replace('"detector": "toy"', '"detector": "new"'))
    world.sign(world.maker)
    world.signatures.write_bytes(old)


def older_model(world: World) -> None:
    """An old model with its own old signature, beside a new release's manifest."""
    take("signatures.jsonl")(world)


def expired_signature(world: World) -> None:
    past = now() - timedelta(days=1)
    with_statement(expires=past)(world)


def expired_key(world: World) -> None:
    world.trust(world.stranger, "old", expires=(now() - timedelta(days=1)).isoformat())
    by_stranger(world)


def other_role(world: World) -> None:
    with_statement(role="releaser")(world)


def needs_releaser(world: World) -> None:
    require_roles(world.store, ("builder", "releaser"))


def same_key_twice(world: World) -> None:
    require_roles(world.store, ("builder", "releaser"))
    releaser = replace(said(world), role="releaser")
    world.write_signatures((said(world), world.maker), (releaser, world.maker))


def many_files(world: World) -> None:
    for number in range(1001):
        (world.bundle / f"{number}.txt").touch()


def socket_file(world: World) -> None:
    import socket

    here = Path.cwd()
    os.chdir(world.bundle)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("s")
    finally:
        os.chdir(here)


def linked_folder(world: World) -> None:
    (world.bundle / "engines").rename(world.folder / "engines")
    (world.bundle / "engines").symlink_to(world.folder / "engines")


CHANGED = r"{} is not the file that was signed"
SHORTER = r"{} is not as long as it was signed"
NOT_NAMED = r"{} is in it, and nobody signed it"
DAMAGED = r"its signatures.jsonl is damaged: line 1 is no signature"
WRONG = "a signature of maker is wrong"
NO_FILE = r"in it is a link or no ordinary file"
FILES = ("model.onnx", "golden.npz", "manifest.json", ENGINE, "engines/current-fp16.json")

HARMS: dict[str, tuple[Harm, str]] = {
    **{f"{name} cut at {share}": (cut(name, share), SHORTER.format(name))
       for name in FILES for share in (0, 0.5)},
    **{f"a bit of {name} at {share}": (flip(name, share), CHANGED.format(name))
       for name in FILES for share in (0, 0.5, 0.99)},
    **{f"signatures cut at {share}": (cut("signatures.jsonl", share), DAMAGED)
       for share in (0.01, 0.1, 0.5, 0.9)},
    "signatures emptied": (cut("signatures.jsonl", 0), "nobody whom this machine trusts signed"),
    "a bit of the payload": (flip("signatures.jsonl", 0.5), f"{WRONG}|{DAMAGED}"),
    "a bit of the signature": (
        envelopes(lambda t: t["signatures"][0].update(sig="A" * 86 + "==")), WRONG),  # type: ignore[index]
    "no signature in the line": (envelopes(lambda t: t.update(signatures=[])), DAMAGED),
    "two in one line": (envelopes(lambda t: t.update(signatures=[*t["signatures"]] * 2)), DAMAGED),  # type: ignore[misc]
    "another type": (envelopes(lambda t: t.update(payloadType="text/plain")), DAMAGED),
    "one more key": (envelopes(lambda t: t.update(more=1)), DAMAGED),
    "payload is a number": (envelopes(lambda t: t.update(payload=3)), DAMAGED),
    "payload is no base64": (envelopes(lambda t: t.update(payload="!")), DAMAGED),
    "a key's id is a list": (
        envelopes(lambda t: t["signatures"][0].update(keyid=[])), DAMAGED),  # type: ignore[index]
    "a key twice in JSON": (put("signatures.jsonl", b'{"payload": "", "payload": ""}'), DAMAGED),
    "signatures nested deeply": (put("signatures.jsonl", b"[" * 200_000), DAMAGED),
    "signatures with many values": (put("signatures.jsonl", b"[" + b"0," * 999_999), DAMAGED),
    "65 signatures": (put("signatures.jsonl", b"{}\n" * 65), "it holds 65 signatures, at most 64"),
    "no UTF-8": (put("signatures.jsonl", b"\xff\xfe"), DAMAGED),
    "signatures of 1 GB": (sparse("signatures.jsonl", 2**30), "larger than 4 MiB"),
    "unsigned": (remove("signatures.jsonl"), "it is not signed"),
    "a stranger's": (by_stranger, "signed with the key '[0-9a-f]{12}', which this machine does"),
    "in the maker's name": (in_makers_name, WRONG),
    "replayed": (replayed, SHORTER.format("manifest.json") + "|" + CHANGED.format("manifest.json")),
    "another bundle's signatures": (older_model, "manifest.json is not"),
    "another bundle's manifest": (take("manifest.json"), "manifest.json is not"),
    "another bundle's manifest and signatures": (
        take("manifest.json", "signatures.jsonl"), "engine is not"),
    "another bundle's engine": (take(ENGINE), SHORTER.format(ENGINE)),
    "files swapped": (swap("model.onnx", "golden.npz"), SHORTER.format("golden.npz")),
    "engine and its record swapped": (swap(ENGINE, "engines/current-fp16.json"), "not as long"),
    "expired signature": (expired_signature, r"the signature of maker expired on 20\d\d-"),
    "expired key": (expired_key, "the key old expired on"),
    "revoked key": (lambda w: revoke_key(w.store, "maker", "lost"), "was revoked on .*: lost"),
    "revoked release": (
        lambda w: refuse_bundle(w.store, said(w).fingerprint, "misses"), "was revoked .*: misses"),
    "a role that the key has not": (other_role, "maker may not sign as releaser"),
    "a role is missing": (needs_releaser, "no releaser signed it"),
    "one key for two roles": (same_key_twice, "maker may not sign as releaser"),
    "the maker as a device": (with_statement(role="device"), "may not sign as device"),
    "the machine as a maker": (as_device, "not as long|signed what only a maker may"),
    "a role that is none": (with_statement(role="king"), "signed cannot be read: its role"),
    "an engine of another machine": (of_another_machine, "which this machine does not trust|not"),
    "an unsigned engine": (put("engines/rtx-fp16.engine"), NOT_NAMED.format("engines/rtx-.*")),
    "an unsigned timing cache": (put("engines/a.cache"), NOT_NAMED.format("engines/a.cache")),
    "weights in a sibling file": (put("model.onnx.data"), NOT_NAMED.format("model.onnx.data")),
    "a hidden file": (put(".profile"), NOT_NAMED.format(".profile")),
    "a file in a new folder": (put("lib/x.so"), NOT_NAMED.format("lib/x.so")),
    "folders without end": (put("a/b/c/d/e"), "lies too deep"),
    "1001 files": (many_files, "is one of over 1000"),
    "the name of a file is a command": (put("a\x1b[2Jb"), "is no name of one"),
    "a backslash in a name": (put("..\\evil"), "is no name of one"),
    "names that differ in case": (put("MODEL.onnx"), "is there twice but for its case"),
    "the model is missing": (remove("model.onnx"), "model.onnx, which was signed, is missing"),
    "the golden frames are missing": (remove("golden.npz"), "golden.npz, which was signed, is"),
    "a linked model": (link("model.onnx"), NO_FILE),
    "a linked manifest": (link("manifest.json"), NO_FILE),
    "linked signatures": (link("signatures.jsonl"), NO_FILE),
    "a linked folder": (linked_folder, NO_FILE),
    "a pipe as model": (link("model.onnx", symbolic=False), NO_FILE),
    "a pipe as signatures": (link("signatures.jsonl", symbolic=False), NO_FILE),
    "a socket": (socket_file, NO_FILE),
    "a model of 200 GB": (sparse("model.onnx", 200 * 2**30), "is larger than 2048 MiB"),
    "a model of 1 GB": (sparse("model.onnx", 2**30), SHORTER.format("model.onnx")),
    "a manifest of 1 GB": (sparse("manifest.json", 2**30), SHORTER.format("manifest.json")),
    "a manifest of 60 MB": (put("manifest.json", b" " * 60_000_000), SHORTER.format("manifest.*")),
}  # fmt: skip
