"""How many pixels a picture may have."""

import os

from slsg_edge.errors import ConfigError

LARGEST_VARIABLE = "SLSG_EDGE_MAX_PIXELS"
_USUAL = 100_000_000  # the largest area cameras have 150 million, nearly all less than 50
_OPENCV = 2**30  # it decodes no more


def largest_file() -> int:
    """Bytes of an image file: four channels of 16 bit, not compressed, and what stands beside."""
    return 8 * most_pixels() + 2**26


def most_pixels() -> int:
    """Of one picture; the environment may say another number. ConfigError for what is none."""
    text = os.environ.get(LARGEST_VARIABLE, "")
    if not text.strip():
        return _USUAL
    try:
        given = int(text)
    except ValueError:
        given = 0
    if not 1 <= given <= _OPENCV:
        raise ConfigError(
            f"{LARGEST_VARIABLE} is '{text}', which is no number of pixels.",
            fix=f"Give a whole number from 1 to {_OPENCV}, as 200000000.",
        )
    return given
