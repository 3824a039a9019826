"""An address whose password stands elsewhere: in the environment, or in a file."""

import os
import re
from pathlib import Path
from urllib.parse import quote

from slsg_edge.errors import ConfigError

_NAME = re.compile(r"\$\{(\w+)\}")
_SHOWN = 255  # characters of a path in a message
_LONGEST = 4096  # bytes of a file with an address


def with_secrets(text: str) -> str:
    """`rtsp://user:${CAMERA}@host/1` with the variable's value, `@FILE` with the file's line.

    A value inside a URL is encoded as URLs need it; one that is the whole address is taken as it
    stands. ConfigError when there is no such variable or file.
    """
    if text.startswith("@"):
        text = _line_of(Path(text[1:]))
    if whole := _NAME.fullmatch(text):
        return _value(whole[1])
    return _NAME.sub(lambda found: quote(_value(found[1]), safe=":"), text)


def _value(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigError(
            f"The address names ${{{name}}}, and there is no such variable.",
            fix=f"Set {name} in the environment of this command.",
        )
    return value


def _line_of(path: Path) -> str:
    fix = "Write the address into it, on one line."
    try:
        if not path.is_file():
            raise ConfigError(f"There is no file {path} with an address.", fix=fix)
        with path.open("rb") as file:
            lines = file.read(_LONGEST).decode().split("\n")
    except (OSError, ValueError) as error:
        raise ConfigError(f"Cannot read the address in {str(path)[:_SHOWN]}.", fix=fix) from error
    if not lines[0].strip():
        raise ConfigError(f"{path} holds no address.", fix=fix)
    return lines[0].strip()
