"""Whether the bytes that a camera sent are a whole JPEG picture."""

from slsg_edge.images import check_whole

_START, _DATA = b"\xff\xd8", b"\xff\xda"
_APPLICATIONS, _FILL = range(0xE0, 0xF0), 0xFF


def damage_of(content: bytes) -> str | None:
    """What is wrong with the bytes of one JPEG picture; None when they are whole."""
    if not content.startswith(_START):
        return "the picture does not begin as a JPEG does"
    if _begins_again(content):
        return "the picture came in part: another one begins within it"
    damage = check_whole(content)
    return f"the picture is {damage}" if damage else None


def _begins_again(content: bytes) -> bool:
    """Whether the segments before the picture's data are cut by the start of another picture.

    A thumbnail, which has a start of its own, stands in a segment of an application.
    """
    at = len(_START)
    while content[at : at + 1] == b"\xff" and content[at : at + 2] != _DATA:
        if len(content) < at + 4:
            return True
        if content[at + 1] == _FILL:
            at += 1
            continue
        size = 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if content[at + 1] not in _APPLICATIONS and _START + b"\xff" in content[at : at + size]:
            return True
        at += size
    return content[at : at + 2] != _DATA
