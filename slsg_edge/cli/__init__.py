"""`slsg-edge`: one small file per command. Parses, calls one function, prints.

Imports nothing heavy, so that `--help` answers at once; commands import what they need when
they run.
"""

import slsg_edge.cli.first_signals  # noqa: F401, before what takes long to import

# isort: split
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

import typer

from slsg_edge import __version__
from slsg_edge.cli.commands import COMMANDS, GROUPS
from slsg_edge.cli.stopping import INTERRUPTED, interrupts_noted, told_to_end
from slsg_edge.cli.streams import usable_streams
from slsg_edge.cli.text import tell, without_controls
from slsg_edge.errors import (
    ConfigError,
    MissingDependency,
    SlsgError,
    StorageError,
    out_of_memory,
)
from slsg_edge.machine.host import wait_without_spinning

# What to install for a package that a command turns out to need.
EXTRAS = {
    "cryptography": "cpu",
    "cv2": "line",
    "fsspec": "scale",
    "matplotlib": "train",
    "onnx": "train",
    "onnxruntime": "cpu",
    "onnxscript": "train",
    "openvino": "openvino",
    "pyarrow": "scale",
    "pycuda": "cuda",
    "safetensors": "train",
    "sklearn": "dev",
    "torch": "train",
}

_NAME = "slsg-edge"
_LONGEST = 4000  # characters of a message

app = typer.Typer(
    name=_NAME,
    help="Good images in, a trusted anomaly detector on a line PC out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        tell(f"slsg-edge {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """What can be asked for without a command."""


for name, command in COMMANDS.items():
    app.command(name)(command)
for name, group in GROUPS.items():
    app.add_typer(group, name=name)


def main() -> None:
    """Runs the command line; what the user can mend is printed without a traceback, exit 2."""
    usable_streams()
    wait_without_spinning()
    try:
        with interrupts_noted() as interrupted:
            _run(interrupted)
    finally:
        _leave_at_once(sys.exc_info()[1])


def _run(interrupted: Callable[[], bool]) -> None:
    try:
        try:
            app(prog_name=_NAME)  # for `python -m slsg_edge`, too
        finally:
            sys.stdout.flush()
    except SlsgError as error:
        fail(error)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        fail(MissingDependency(package, extra=EXTRAS[package]))
    except RecursionError:
        fail(ConfigError("Something that was read is nested too deeply.", fix="Mend that file."))
    except Exception as error:
        if interrupted():  # PyTorch made another error of it
            sys.exit(INTERRUPTED)
        known = out_of_memory(error) or _of_the_system(error)
        if known is None:
            raise
        fail(known)


def fail(error: SlsgError) -> None:
    """What, where and the next step on stderr; exit code 2."""
    sys.stderr.write(f"error: {_shown(error.what)}\n  next: {_shown(error.fix)}\n")
    sys.stderr.flush()
    sys.exit(2)


def _shown(text: str) -> str:
    """A name that somebody gave may be of any length."""
    text = without_controls(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"


def _of_the_system(error: Exception) -> SlsgError | None:
    """Where no room has said it better: a name that is too long, a disk that went away."""
    if not isinstance(error, OSError):
        return None
    where = f"{error.filename}: " if error.filename else ""
    return StorageError(
        f"{where}{error.strerror or error}.", fix="Check the path, its permissions and the disk."
    )


def _leave_at_once(ending: BaseException | None) -> None:
    """Where a model that never ends would hold up the end of the process or make it crash, and
    where a second signal would kill a watch that has just ended in order.
    """
    deadline = sys.modules.get("slsg_edge.runtime.deadline")
    if not told_to_end() and not (deadline and deadline.work_left_behind()):
        return
    code = ending.code if isinstance(ending, SystemExit) else ending is not None
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, SlsgError):
            stream.flush()
    os._exit(int(code or 0))
