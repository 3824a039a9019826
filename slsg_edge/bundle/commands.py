"""The command that a stage records, so that it can be run again: written and shown in one way.

The bundle's own path stands there as `{bundle}`, so that a bundle that was copied or renamed
names itself.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

_SHELL = frozenset("`$;|&<>()!#*?~\\")  # what may do more than name something
_UNKNOWN = "slsg-edge --help  # the bundle records a command that is not of slsg-edge"
BUNDLE = "{bundle}"  # in a recorded command: the path of the bundle that it stands in


def recorded_command(name: str, options: Mapping[str, object]) -> str:
    """`slsg-edge NAME {bundle}` with its options, in their order.

    None and False are left out, True is the option alone, and a list repeats it.
    """
    words = ["slsg-edge", name]
    return " ".join([*map(shlex.quote, words), BUNDLE, *map(shlex.quote, _words(options))])


def recorded_words(words: Sequence[str], bundle: str) -> str:
    """A command as it was typed, with `{bundle}` for the bundle's path, also in `--output=PATH`."""
    return " ".join(_without_path(word, bundle) for word in words)


def command_for(recorded: str, bundle: Path) -> str:
    """A recorded command for the bundle where it lies now.

    Bundles of version 0.1 recorded the path of that day, which was the one word that ends in
    `.slsg`: it is taken for the bundle's too, so that a copy never names its original. A record may
    come from anywhere, so only commands of `slsg-edge` are shown, and nothing else that a shell or
    a terminal would do.
    """
    if BUNDLE not in recorded:
        recorded = _with_placeholder(recorded)
    recorded = _ours(recorded)
    return recorded.replace(BUNDLE, shlex.quote(str(bundle)))


def _ours(recorded: str) -> str:
    commands = [_words_of(part) for part in recorded.split(" && ")]
    if not all(words[:1] == ["slsg-edge"] for words in commands):
        return _UNKNOWN
    if recorded.isprintable() and not _SHELL.intersection(recorded.replace(" && ", "")):
        return recorded
    return " && ".join(_quoted(words) for words in commands)


def _quoted(words: list[str]) -> str:
    """A control character has no place on a command line; it is shown as `?`."""
    shown = ("".join(c if c.isprintable() else "?" for c in word) for word in words)
    return " ".join(_word(word) for word in shown)


def _word(word: str) -> str:
    """The bundle's path is quoted when it is put in, so it stands alone or at the end."""
    start, bundle, end = word.partition(BUNDLE)
    if not bundle:
        return shlex.quote(word)
    return (shlex.quote(start) if start else "") + bundle + (shlex.quote(end) if end else "")


def _words_of(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # no closing quotation
        return []


def _with_placeholder(recorded: str) -> str:
    try:
        words = shlex.split(recorded)
    except ValueError:  # no closing quotation
        return recorded
    paths = {word for word in words if word.endswith(".slsg")}
    if len(paths) != 1:
        return recorded
    return " ".join(
        BUNDLE if word in paths else word if word == "&&" else shlex.quote(word) for word in words
    )


def number_text(value: float) -> str:
    """Short where that is the same number: 1/300 cut short would need one image more."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def _words(options: Mapping[str, object]) -> list[str]:
    words: list[str] = []
    for option, value in options.items():
        if value is None or value is False:
            continue
        values = value if isinstance(value, list | tuple) else [value]
        for single in values:
            words += [option] if single is True else [option, _text(single)]
    return words


def _text(value: object) -> str:
    return number_text(value) if isinstance(value, float) else str(value)


def _without_path(word: str, bundle: str) -> str:
    start, equals, end = word.partition("=")
    if word == bundle:
        return BUNDLE
    if equals and end == bundle:
        return f"{shlex.quote(start)}={BUNDLE}"
    return shlex.quote(word)
