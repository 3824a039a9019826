"""Signatures as they are stored: DSSE envelopes, one a line.

DSSE 1.0.2 (github.com/secure-systems-lab/dsse): what is signed is the type and the bytes of a
payload, so nothing of it is parsed before its signature holds. Knows nothing about what a payload
says.
"""

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass

from slsg_edge.bundle.keys import PrivateKey, PublicKey
from slsg_edge.config import json_from

SIGNATURES_FILE = "signatures.jsonl"
SIGNATURES_LIMIT = 4 * 2**20  # bytes: a signature of a bundle with 20 files takes 10 KB
MOST_SIGNATURES = 64
_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with one signature. key: the id of the key that is said to have made it."""

    payload: bytes
    key: str
    signature: bytes

    def holds_for(self, public: PublicKey) -> bool:
        return self.key == public.id and public.verifies(self.signature, _encoded(self.payload))

    def to_line(self) -> bytes:
        table = {
            "payloadType": _TYPE,
            "payload": base64.b64encode(self.payload).decode(),
            "signatures": [{"keyid": self.key, "sig": base64.b64encode(self.signature).decode()}],
        }
        return json.dumps(table).encode() + b"\n"


def signed(payload: bytes, key: PrivateKey) -> Envelope:
    return Envelope(payload, key.public.id, key.sign(_encoded(payload)))


def to_lines(envelopes: Iterable[Envelope]) -> bytes:
    return b"".join(envelope.to_line() for envelope in envelopes)


def envelopes_from(content: bytes) -> list[Envelope]:
    """ValueError, which says why, for anything but lines that `to_line` wrote."""
    if len(content) > SIGNATURES_LIMIT:
        raise ValueError(f"it is larger than {SIGNATURES_LIMIT >> 20} MiB")
    lines = content.splitlines()
    if len(lines) > MOST_SIGNATURES:
        raise ValueError(f"it holds {len(lines)} signatures, at most {MOST_SIGNATURES} are due")
    return [_envelope(number, line) for number, line in enumerate(lines, 1)]


def _envelope(number: int, line: bytes) -> Envelope:
    try:
        table = json_from(line, SIGNATURES_LIMIT)
        (signature,) = table["signatures"]
        if table["payloadType"] != _TYPE or len(table) != 3 or len(signature) != 2:
            raise ValueError("it is of another type")
        if not isinstance(signature["keyid"], str):
            raise TypeError("a key's id is no text")
        return Envelope(_bytes(table["payload"]), signature["keyid"], _bytes(signature["sig"]))
    except (ValueError, TypeError, LookupError, binascii.Error) as error:
        raise ValueError(f"line {number} is no signature: {error}") from error


def _bytes(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError("a text is due")
    return base64.b64decode(text, validate=True)


def _encoded(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    kind = _TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
