"""What a request brings: a form, or one JSON object of texts and numbers."""

import asyncio
from typing import TypeAlias
from urllib.parse import parse_qsl

from starlette.requests import Request

from slsg_edge.bounded import json_from
from slsg_edge.line.dashboard.guard import LARGEST

Fields: TypeAlias = dict[str, str]
_MOST = 20  # fields
PATIENCE = 10.0  # seconds for a body


async def fields_of(request: Request) -> Fields | None:
    """None for a body that is too long or nothing of the kind."""
    try:
        body = await asyncio.wait_for(_body_of(request), PATIENCE)
    except asyncio.TimeoutError:
        return None
    if body is None:
        return None
    if not body:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _from_json(body)
    return _from_form(body) if kind == "application/x-www-form-urlencoded" else None


async def _body_of(request: Request) -> bytes | None:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return None
    return bytes(body)


def _from_form(body: bytes) -> Fields | None:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST)
    except ValueError:
        return None
    return {name: value.strip() for name, value in pairs}


def _from_json(body: bytes) -> Fields | None:
    try:
        found = json_from(body)
    except ValueError:
        return None
    if not isinstance(found, dict) or not all(_is_plain(value) for value in found.values()):
        return None
    fields = {name: str(value).strip() for name, value in found.items()}
    return fields if all(map(_is_text, (*fields, *fields.values()))) else None


def _is_text(text: str) -> bool:
    """Not so half of a character, which no file and no database takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_plain(value: object) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)
