"""Every command by name, in the order of a real use."""

from collections.abc import Callable

import typer

from slsg_edge.cli.audit import audit_group
from slsg_edge.cli.bench_group import bench_group
from slsg_edge.cli.build_engine import build_engine
from slsg_edge.cli.calibrate import calibrate
from slsg_edge.cli.compare import compare
from slsg_edge.cli.data import data_command
from slsg_edge.cli.demo import demo
from slsg_edge.cli.doctor import doctor
from slsg_edge.cli.eval import eval_command
from slsg_edge.cli.export import export
from slsg_edge.cli.import_slsg import import_slsg
from slsg_edge.cli.info import info
from slsg_edge.cli.key import key_group
from slsg_edge.cli.line_group import line_group
from slsg_edge.cli.pack import pack, unpack
from slsg_edge.cli.report import report
from slsg_edge.cli.sample import sample
from slsg_edge.cli.score import score
from slsg_edge.cli.sign import sign
from slsg_edge.cli.start import start
from slsg_edge.cli.train import train
from slsg_edge.cli.trust import trust_group
from slsg_edge.cli.verify import verify
from slsg_edge.cli.watch import watch

COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "start": start,
    "sample": sample,
    "data": data_command,
    "train": train,
    "export": export,
    "calibrate": calibrate,
    "build-engine": build_engine,
    "verify": verify,
    "eval": eval_command,
    "compare": compare,
    "score": score,
    "watch": watch,
    "report": report,
    "info": info,
    "sign": sign,
    "pack": pack,
    "unpack": unpack,
    "doctor": doctor,
    "import-slsg": import_slsg,
}

# Commands that have commands of their own.
GROUPS: dict[str, typer.Typer] = {
    "line": line_group,
    "bench": bench_group,
    "key": key_group,
    "trust": trust_group,
    "audit": audit_group,
}
