"""Every command by name, in the order of a real use."""

from collections.abc import Callable

from slsg_edge.cli.calibrate import calibrate
from slsg_edge.cli.eval import eval_command
from slsg_edge.cli.export import export
from slsg_edge.cli.import_slsg import import_slsg
from slsg_edge.cli.info import info
from slsg_edge.cli.sample import sample
from slsg_edge.cli.train import train

COMMANDS: dict[str, Callable[..., None]] = {
    "sample": sample,
    "train": train,
    "export": export,
    "calibrate": calibrate,
    "eval": eval_command,
    "info": info,
    "import-slsg": import_slsg,
}
