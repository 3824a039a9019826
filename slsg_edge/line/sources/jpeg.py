"""Whether the bytes of a JPEG picture are a whole one."""

_START, _END = b"\xff\xd8", b"\xff\xd9"
_PADDING = b"\x00\r\n\xff"  # what cameras and containers append


def damage_of(content: bytes) -> str | None:
    """What is wrong with the bytes of one JPEG picture; None when they are whole."""
    if not content.startswith(_START):
        return "the picture does not begin as a JPEG does"
    if not content.rstrip(_PADDING).endswith(_END[-1:]) or _END not in content[-4096:]:
        return "the picture came in part: the end of the JPEG is missing"
    return None
