"""URLs without what must not be read in a log: user, password, token."""

import re

HIDDEN = "***"

# Up to the last @: a password may itself hold @ or /, and hiding too much harms nobody.
_USER = re.compile(r"(?<=://).*@", re.DOTALL)
# Cheap cameras take the password in the query or in the path.
_SECRET = re.compile(
    r"((?:user|usr|login|pass|pwd|token|key|auth|secret|sig)[a-z_-]*=)[^&;/?#\s]*", re.IGNORECASE
)


def redacted(url: str) -> str:
    """`rtsp://***@camera/1` for `rtsp://user:password@camera/1`."""
    return _SECRET.sub(rf"\1{HIDDEN}", _USER.sub(f"{HIDDEN}@", url))
