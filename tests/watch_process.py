"""`slsg-edge watch` in a process of its own, as on a line PC."""

import json
import os
import subprocess
import sys

# What a line PC does not have; an import of any of them fails.
ABSENT = "torch", "torchvision", "onnx", "onnxscript", "safetensors", "matplotlib"
COMMAND = f"""
import sys
import time
sys.modules.update(dict.fromkeys({ABSENT!r}))
import typer
from slsg_edge import cli
from slsg_edge.cli.watch import watch
cli.app = typer.Typer(pretty_exceptions_enable=False)
cli.app.command()(watch)
cli.main()
"""


def start(
    *arguments: object, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE
) -> "subprocess.Popen[str]":
    """`slsg-edge watch` in a process of its own, with the buffers that Python has by itself."""
    command = [sys.executable, "-W", "error", "-c", COMMAND, *map(str, arguments)]
    variables = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.Popen(command, stdout=stdout, stderr=stderr, text=True, env=variables)


def run(*arguments: object) -> tuple[int, list[dict[str, object]], str]:
    """Exit code, records on stdout, stderr."""
    process = start(*arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err
