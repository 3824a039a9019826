"""Checkpoints of SLSG's official code, as bundles that can be exported and calibrated."""

import dataclasses
import hashlib
import time
from pathlib import Path

from slsg_edge.bundle.folder import Bundle, Manifest, new_bundle
from slsg_edge.bundle.manifest import renewed
from slsg_edge.bundle.plan import TRAIN_STAGE, WEIGHTS_FILE
from slsg_edge.machine.versions import tool_versions
from slsg_edge.preprocessing import Preprocessing


def import_official(checkpoint: Path, output: Path, *, command: str) -> Bundle:
    """Writes the `train` stage of `output`; ConfigError for a file that is no such checkpoint."""
    from slsg_edge.models.slsg.network import SlsgSpec, network_from_spec
    from slsg_edge.models.slsg.official import convert
    from slsg_edge.training.weight_files import read_state_dict, weight_bytes

    started = time.monotonic()
    spec, preprocessing = SlsgSpec("paper"), Preprocessing()
    target = new_bundle(output, Manifest("slsg", dataclasses.asdict(spec), preprocessing))
    expected = network_from_spec(spec, preprocessing.height, preprocessing.width).state_dict()
    weights = convert(
        read_state_dict(checkpoint, fix="Give a *.tch file of the official code."), expected
    )
    return target.commit(
        TRAIN_STAGE,
        {WEIGHTS_FILE: weight_bytes(weights)},
        command=command,
        started=started,
        tools=tool_versions("torch"),
        settings={"imported_sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest()},
        update=lambda current: renewed(current, target.manifest),
    )
