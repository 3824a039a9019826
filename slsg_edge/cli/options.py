"""Options that several commands share, each with one help text."""

from typing import Annotated, TypeAlias

import typer

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
Threads: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="CPU threads; default: one per core.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
