"""`slsg-edge line install`: the unit of systemd for a line."""

import getpass
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.text import say, tell

if TYPE_CHECKING:
    from slsg_edge.line.service.unit import Unit
    from slsg_edge.line.settings.line import LineSettings

_SYSTEM = "/etc/systemd/system"


def line_install(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A line.toml.")] = Path("line.toml"),
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="UNIT", help="Write it there, not to stdout."),
    ] = None,
    user: Annotated[
        str, typer.Option(metavar="NAME", help="That the line runs as; by default you.")
    ] = "",
) -> None:
    """Write a systemd unit for a line: watchdog, limits, sandbox. Prints how to enable it."""
    from slsg_edge.line.service.unit import unit_of
    from slsg_edge.line.settings.reading import read_line

    settings = read_line(path)
    user = user or os.environ.get("SUDO_USER") or getpass.getuser()
    unit = unit_of(path.absolute(), settings, user, _command())
    if output is None:
        tell(unit.text.rstrip("\n"))
    else:
        _write(output, unit)
    for note in _notes(unit, user):
        say(note)
    say("next:\n" + "\n".join(f"  {line}" for line in _next(path, settings, unit, output, user)))


def _command() -> list[str]:
    """What runs this very installation."""
    beside = Path(sys.executable).with_name("slsg-edge")
    return [str(beside)] if beside.is_file() else [sys.executable, "-m", "slsg_edge"]


def _write(output: Path, unit: "Unit") -> None:
    """Over an earlier one of ours, and over nothing else."""
    from slsg_edge.errors import StorageError
    from slsg_edge.line.service.unit import MARK
    from slsg_edge.storage import write_atomically

    if output.is_dir():
        output = output / f"{unit.name}.service"
    if output.exists() and not output.read_bytes().startswith(MARK.encode()):
        raise StorageError(
            f"{output} is there already, and `line install` has not written it.",
            fix="Give another name, or move it away.",
        )
    write_atomically(output, unit.text.encode())
    tell(f"written: {output}")


def _notes(unit: "Unit", user: str) -> list[str]:
    notes = []
    if user == "root":
        notes.append("warning: the line would run as root: give --user NAME.")
    elif not _is_there(user):
        notes.append(f"note: there is no user {user} here yet: sudo useradd --system {user}")
    return notes + _complaints(unit)


def _is_there(user: str) -> bool:
    import pwd

    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _complaints(unit: "Unit") -> list[str]:
    """What `systemd-analyze verify` says of the unit; nothing where there is none."""
    from slsg_edge.storage import temporary_folder

    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return []
    with temporary_folder() as folder:
        file = folder / f"{unit.name}.service"
        file.write_text(unit.text)
        try:
            done = subprocess.run(
                [analyze, "verify", "--man=no", str(file)],
                capture_output=True, text=True, timeout=30, errors="replace",
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return []
    said = (done.stdout + done.stderr).replace(f"{folder}/", "").splitlines()
    return [f"systemd-analyze: {line}" for line in said if unit.name in line]


def _next(
    path: Path, settings: "LineSettings", unit: "Unit", output: Path | None, user: str
) -> list[str]:
    """Commands for a shell, in turn."""
    folder = shlex.quote(str(settings.folder))
    lines = [f"sudo install -d -o {shlex.quote(user)} {folder}"]
    if unit.variables:
        names = "".join(f"{name}=…\\n" for name in unit.variables)
        lines.append(f"sudo install -D -m 600 /dev/null {unit.environment}")
        lines.append(f"printf '{names}' | sudo tee {unit.environment}")
    target = f"{_SYSTEM}/{unit.name}.service"
    if output is None:
        again = shlex.join(["slsg-edge", "line", "install", str(path), "--user", user])
        lines.append(f"{again} | sudo tee {target}")
    elif output.parent != Path(_SYSTEM) and output != Path(_SYSTEM):
        lines.append(f"sudo install -m 644 {shlex.quote(str(output))} {target}")
    return [*lines, "sudo systemctl daemon-reload", f"sudo systemctl enable --now {unit.name}"]
