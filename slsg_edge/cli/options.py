"""Options that several commands share, each with one help text."""

from collections.abc import Iterable
from typing import Annotated, TypeAlias

import typer

from slsg_edge.cli.text import say
from slsg_edge.errors import ConfigError
from slsg_edge.machine.host import within_cores


def at_most_cores(param: typer.CallbackParam, value: int | None) -> int | None:
    """Of an option that counts threads or processes: no more than usable cores, and a note."""
    if value is None or within_cores(value) == value:
        return value
    most = within_cores(value)
    say(f"note: --{param.name} {value} is more than the cores that are usable here: {most} it is.")
    return most


_BACKENDS = (
    "onnxruntime, openvino or tensorrt, or one precision of it as in openvino-int8; default: the "
    "best that is ready here."
)

Backend: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help=f"What runs the model: {_BACKENDS}")
]
Backends: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[,NAME]", help=f"What runs the model; several are compared: {_BACKENDS}"
    ),
]
PairOfBackends: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[,NAME]",
        help="What runs the models: one for both, or one for each. With a single bundle two, "
        "as in onnxruntime-fp32,openvino-int8.",
    ),
]
Threads: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        callback=at_most_cores,
        help="CPU threads; default and most: one per core.",
    ),
]
Workers: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        callback=at_most_cores,
        help="Processes that simulate anomalies; at most one per core.",
    ),
]
Verbose: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print the details, too.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def names_in(text: str | None) -> list[str]:
    """The names of NAME[,NAME], none where the option is left out; ConfigError for an empty one."""
    names = [] if text is None else [name.strip() for name in text.split(",")]
    if not all(names):
        raise ConfigError(
            f"--backend is '{text}', which leaves a name empty.",
            fix="Give names, as in onnxruntime-fp32,openvino-int8, or leave the option out.",
        )
    return names


def require_cpu_backend(backends: Iterable[str], threads: int | None) -> None:
    """ConfigError for --threads where each of these backends runs on a GPU."""
    names = list(backends)
    if threads is not None and all(name.startswith("tensorrt") for name in names):
        raise ConfigError(
            f"--threads is for backends that run on the CPU, not for {', '.join(names)}.",
            fix="Leave out --threads, or name another --backend.",
        )
