"""Every command and option of `slsg-edge`, as the program itself knows them."""

from collections.abc import Iterator
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from typer.main import get_command

from sitegen.markdown import MissingText, code, plain, table
from slsg_edge.cli import app

_WORDS = {"str": "TEXT", "int": "N", "float": "NUMBER", "Path": "PATH"}

HEAD = """\
# Command line

Every command with its arguments and options, as the program prints them with `--help`. An option
that is left out has the default in brackets. [One table](../commands.md) has all commands.

| exit code | when |
| --- | --- |
| 0 | done |
| 1 | done, and the answer is no: an invalid data set, a weak threshold, a backend that differs |
| 2 | something that you can put right: a [message](errors.md) says what, where and what to do |
| 130 | stopped by Ctrl-C or a signal |

"""


def commands() -> dict[str, Any]:
    """Each command by what is typed, those of a group below it."""
    return dict(_walk("slsg-edge", get_command(app)))


def command_line_page() -> str:
    return HEAD + "\n".join(_section(name, command) for name, command in commands().items())


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for below, one in getattr(command, "commands", {}).items():
        yield from _walk(f"{name} {below}", one)


def _section(name: str, command: Any) -> str:
    if not command.help:
        raise MissingText(f"`{name}` has no help.")
    shown = [param for param in command.params if not getattr(param, "hidden", False)]
    words = [name, *(_argument(one) for one in shown if _is_argument(one)), "[OPTIONS]"]
    rows = [(_names(param), describe(name, param)) for param in shown]
    parts = [f"## {name}", f"`{' '.join(words)}`", plain(command.help)]
    if rows:
        parts.append(table(("argument or option", "what it does"), rows))
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def describe(command: str, param: Any) -> str:
    """The help of one option, its choices and its default; MissingText where it has no help."""
    text = getattr(param, "help", None)
    if not text:
        raise MissingText(f"{_names(param)} of `{command}` has no help.")
    choices = _choices(param)
    among = f" One of {', '.join(map(code, choices))}." if choices else ""
    return plain(text) + among + _default(param)


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _argument(param: Any) -> str:
    word = (param.metavar or param.name.upper()).strip("[]")
    return word if param.required else f"[{word}]"


def _names(param: Any) -> str:
    if _is_argument(param):
        return code(_argument(param))
    names = "/".join((*param.opts, *param.secondary_opts))
    return code(names if param.is_flag else f"{names} {param.metavar or _word(param)}")


def _word(param: Any) -> str:
    if _choices(param):
        return "NAME"
    kinds = [getattr(kind, "__name__", "") for kind in _kinds(param)]
    return next((_WORDS[kind] for kind in kinds if kind in _WORDS), "VALUE")


def _choices(param: Any) -> list[str]:
    for kind in _kinds(param):
        if get_origin(kind) is Literal:
            return [str(one) for one in get_args(kind)]
        if isinstance(kind, type) and issubclass(kind, Enum):
            return [str(one.value) for one in kind]
    return []


def _kinds(param: Any) -> list[Any]:
    """What a value may be: `int | None` is an int."""
    kind = param.type_descriptor.annotation
    if get_origin(kind) in (Union, UnionType):
        return [one for one in get_args(kind) if one is not type(None)]
    return [kind]


def _default(param: Any) -> str:
    default = param.default
    if param.required or default is None or isinstance(default, bool) or callable(default):
        return ""
    value = default.value if isinstance(default, Enum) else default
    return "" if value in ("", (), []) else f" ({code(str(value))})"
