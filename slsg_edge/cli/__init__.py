"""`slsg-edge`: one small file per command. Parses, calls one function, prints.

Imports nothing heavy, so that `--help` answers at once; commands import what they need when
they run.
"""

import io
import sys

import typer

from slsg_edge.cli.commands import COMMANDS, GROUPS
from slsg_edge.cli.text import without_controls
from slsg_edge.errors import MissingDependency, SlsgError, out_of_memory

# What to install for a package that a command turns out to need.
EXTRAS = {
    "cv2": "line",
    "matplotlib": "train",
    "onnx": "train",
    "onnxruntime": "cpu",
    "onnxscript": "train",
    "openvino": "openvino",
    "pycuda": "cuda",
    "safetensors": "train",
    "sklearn": "dev",
    "torch": "train",
}

app = typer.Typer(
    name="slsg-edge",
    help="Good images in, a trusted anomaly detector on a line PC out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for name, command in COMMANDS.items():
    app.command(name)(command)
for name, group in GROUPS.items():
    app.add_typer(group, name=name)


def main() -> None:
    """Runs the command line; what the user can mend is printed without a traceback, exit 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files may be no UTF-8
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except SlsgError as error:
        fail(error)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        fail(MissingDependency(package, extra=EXTRAS[package]))
    except Exception as error:
        short = out_of_memory(error)
        if short is None:
            raise
        fail(short)


def fail(error: SlsgError) -> None:
    """What, where and the next step on stderr; exit code 2."""
    sys.stderr.write(without_controls(f"error: {error.what}\n  next: {error.fix}\n"))
    sys.exit(2)
