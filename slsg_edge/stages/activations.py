"""What flows inside a graph: its outputs for one frame after another, as arrays by name.

Knows nothing about why they are wanted: ranges for FP16, histograms for INT8. Memory holds one
frame's activations at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from slsg_edge.contracts import GRAPH_INPUT

_ERRORS_ONLY = 3


def activations(
    graph: bytes,
    frames: NDArray[np.uint8],
    threads: int | None = None,
    fed: Sequence[Mapping[str, NDArray[Any]]] = (),
) -> Iterator[dict[str, NDArray[np.float32]]]:
    """For each of `frames` (n, H, W, 3) every output of the serialised `graph`, batch 1.

    A dict is emptied when the next one is asked for. Ask for inner tensors with
    `slsg_edge.export.graph.with_outputs`. `threads` None takes one per core; `fed` are the values
    of further inputs, frame by frame.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    # The arena would hold each output a second time: 1316 MB for `paper`, 917 MB without it.
    options.enable_cpu_mem_arena = False
    options.intra_op_num_threads = threads or 0
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    for index, frame in enumerate(frames):
        inputs = {GRAPH_INPUT: frame[None], **(fed[index] if fed else {})}
        values = dict(zip(names, session.run(names, inputs), strict=True))
        yield values
        values.clear()  # or two frames' would be in memory during the next run
