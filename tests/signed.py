"""Signed bundles, and a machine that trusts their maker."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from slsg_edge.bundle.envelope import SIGNATURES_FILE, envelopes_from, signed, to_lines
from slsg_edge.bundle.folder import Bundle, open_bundle
from slsg_edge.bundle.keys import PrivateKey, new_key, private_key_from
from slsg_edge.bundle.statement import Role, Statement
from slsg_edge.bundle.trust_changes import add_key
from slsg_edge.stages.sign import sign

ENGINE = "engines/current-fp16.engine"


def key_in(folder: Path, name: str) -> PrivateKey:
    """The same for each call."""
    path = folder / f"{name}.key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        new_key(path)
    return private_key_from(path)


def with_engine(bundle: Bundle, content: bytes = b"engine") -> Bundle:
    return bundle.commit(
        "build-engine:current-fp16",
        {ENGINE: content, "engines/current-fp16.json": b"{}"},
        command="slsg-edge build-engine {bundle}",
        started=time.monotonic(),
        inputs=("model.onnx",),
    )


@dataclass
class World:
    """A line PC that trusts `maker`, its bundle, and another one of the same maker."""

    folder: Path
    bundle: Path = field(init=False)
    other: Path = field(init=False)

    def __post_init__(self) -> None:
        self.bundle, self.other = self.folder / "x.slsg", self.folder / "other.slsg"

    @property
    def store(self) -> Path:
        return self.folder / "trust"

    @property
    def maker(self) -> PrivateKey:
        return key_in(self.folder / "keys", "maker")

    @property
    def stranger(self) -> PrivateKey:
        return key_in(self.folder / "keys", "stranger")

    @property
    def signatures(self) -> Path:
        return self.bundle / SIGNATURES_FILE

    def trust(self, key: PrivateKey, name: str, *roles: Role, expires: str | None = None) -> None:
        add_key(self.store, key.public, name, roles or ("builder",), expires)

    def sign(
        self, key: PrivateKey, role: Role = "builder", expires: datetime | None = None
    ) -> Statement:
        return sign(self.bundle, key, role, expires).statement

    def write_signatures(self, *statements: tuple[Statement, PrivateKey]) -> None:
        lines = to_lines(signed(said.to_bytes(), key) for said, key in statements)
        self.signatures.write_bytes(lines)

    def payloads(self) -> Sequence[bytes]:
        return [one.payload for one in envelopes_from(self.signatures.read_bytes())]


def world_of(folder: Path, toy: Path) -> World:
    """Two signed bundles with an engine, and a store that trusts their maker. The other one has
    another threshold and engine.
    """
    world = World(folder)
    for path, content in ((world.bundle, b"engine"), (world.other, b"another")):
        shutil.copytree(toy, path)
        with_engine(open_bundle(path), content)
        text = (path / "manifest.json").read_text()
        if path == world.other:
            (path / "manifest.json").write_text(
                text.replace('"detector": "toy"', '"detector": "t"')
            )
        sign(path, world.maker, "builder")
    world.trust(world.maker, "maker")
    return world
