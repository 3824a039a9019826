"""The command that a stage records, so that it can be run again: written and shown in one way.

The bundle's own path stands there as `{bundle}`, so that a bundle that was copied or renamed
names itself.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

# Commands that record themselves in a bundle.
RECORDED = frozenset({"build-engine", "calibrate", "demo", "export", "import-slsg", "train"})

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
    `.slsg`: it is taken for the bundle's too, so that a copy never names its original.
    """
    return _with_placeholder(recorded).replace(BUNDLE, shlex.quote(str(bundle)))


def is_ours(recorded: str) -> bool:
    """Whether these are commands of this tool and nothing else, each word quoted as we quote it.

    A bundle may come from anybody, and what it recorded is text: only such a command is offered as
    a next step.
    """
    parts = _with_placeholder(recorded).split(" && ")
    return all(_is_one_of_ours(part) for part in parts)


def _is_one_of_ours(command: str) -> bool:
    try:
        words = shlex.split(command)
    except ValueError:  # no closing quotation
        return False
    if len(words) < 2 or words[0] != "slsg-edge" or words[1] not in RECORDED:
        return False
    return command.isprintable() and " ".join(map(_quoted, words)) == command


def _quoted(word: str) -> str:
    return BUNDLE.join(shlex.quote(part) if part else "" for part in word.split(BUNDLE)) or "''"


def _with_placeholder(recorded: str) -> str:
    if BUNDLE in recorded:
        return recorded
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
