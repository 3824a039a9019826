"""Pictures of a run for people: loss curves and a sheet of simulated anomalies, as PNG."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from slsg_edge.images import encode_image
from slsg_edge.images.drawing import contact_sheet
from slsg_edge.storage import write_atomically
from slsg_edge.training.checkpoint import History
from slsg_edge.training.feed import PairBatches
from slsg_edge.training.frames import StoredFrames

_PANEL = 6  # inches of width
SHEET_BATCHES = 4
MOST_OF_MEAN = 200  # images, evenly over all of them
MOST_ODD = 3


def write_loss_chart(path: Path, histories: dict[str, History]) -> None:
    """One panel per phase that has losses, over iterations; no file where none has."""
    shown = {name: history for name, history in histories.items() if history and history[-1][1]}
    if not shown:
        return
    width = _PANEL * len(shown)
    figure = Figure(figsize=(width, 3.5))
    # fixed margins: to measure every label takes longer than to draw them
    figure.subplots_adjust(left=0.8 / width, right=1 - 0.2 / width, bottom=0.14, top=0.91)
    for place, (name, history) in enumerate(shown.items(), 1):
        axes = figure.add_subplot(1, len(shown), place)
        curves = {loss: [row[1][loss] for row in history] for loss in history[-1][1]}
        for loss, values in curves.items():
            axes.plot([row[0] for row in history], values, label=loss)
        positive = min(map(min, curves.values())) > 0  # a log-likelihood may not be
        axes.set(title=name, xlabel="iteration", yscale="log" if positive else "linear")
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


def write_good_sheet(path: Path, frames: StoredFrames, scores: Mapping[int, float]) -> None:
    """The mean good image and how they vary, then those with the highest scores by their number.

    scores: of images that were not learned from, by their number in `frames`.
    """
    chosen = np.linspace(0, len(frames) - 1, min(len(frames), MOST_OF_MEAN)).round().astype(int)
    stack = np.stack([frames[int(index)] for index in dict.fromkeys(chosen)]).astype(np.float32)
    spread = stack.std(axis=0)
    pictures = [
        np.rint(stack.mean(axis=0)).astype(np.uint8),
        np.rint(spread * (255 / max(float(spread.max()), 1e-6))).astype(np.uint8),
    ]
    captions = [f"mean of {len(stack)} good images", "bright: where they vary"]
    for index in sorted(scores, key=lambda index: -scores[index])[:MOST_ODD]:
        pictures.append(frames[index])
        captions.append(f"highest score: {scores[index]:.3f}")
    sheet = contact_sheet(pictures, len(pictures), captions)
    write_atomically(path, encode_image(sheet))
