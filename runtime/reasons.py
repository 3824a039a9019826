"""What to tell of a failure on one line, as the reason of a frame that was not inspected."""

from slsg_edge.errors import SlsgError

_LONGEST = 300  # characters: some exceptions print a whole graph


def one_line(text: str) -> str:
    """`text` without line breaks, cut where it is too long for a record."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def described(error: BaseException) -> str:
    """What an error says, of any length; an error that is not ours comes with its type."""
    if isinstance(error, SlsgError):
        return error.what
    return f"{type(error).__name__}: {_text(error)}"


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # a library's own exception may fail to print itself
        return "no text"
