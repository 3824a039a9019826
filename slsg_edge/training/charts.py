"""Pictures of a run for people: loss curves and a sheet of simulated anomalies, as PNG."""

import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from slsg_edge.images import encode_image
from slsg_edge.storage import write_atomically
from slsg_edge.training.checkpoint import History
from slsg_edge.training.feed import PairBatches

SHEET_BATCHES = 4


def write_loss_chart(path: Path, histories: dict[str, History]) -> None:
    """One panel per phase that has losses, over iterations."""
    shown = {name: history for name, history in histories.items() if history and history[-1][1]}
    figure = Figure(figsize=(6 * max(1, len(shown)), 3.5), layout="constrained")
    for place, (name, history) in enumerate(shown.items(), 1):
        axes = figure.add_subplot(1, len(shown), place)
        for loss in history[-1][1]:
            axes.plot([row[0] for row in history], [row[1][loss] for row in history], label=loss)
        axes.set(title=name, xlabel="iteration", yscale="log")
        axes.legend()
        axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    write_atomically(path, buffer.getvalue())


def write_anomaly_sheet(path: Path, source: PairBatches) -> None:
    """Rows of simulated anomalies above their masks, as training sees them."""
    rows = []
    for iteration in range(SHEET_BATCHES):
        images, masks = source[iteration]
        half = len(images) // 2
        shown = np.asarray(masks[half:, 0, :, :, None].numpy() * 255, dtype=np.uint8)
        rows += [np.hstack(list(images[half:].numpy())), np.hstack(list(shown.repeat(3, -1)))]
    write_atomically(path, encode_image(np.vstack(rows)))
