"""Whether the images to train on differ at all: of one photo alone nobody learns how parts vary."""

import numpy as np

from slsg_edge.training.frames import StoredFrames

# Grey levels, of the mean of all pixels. Real parts of three products differ by 5 and more, plain
# sheets with nothing but the camera's noise by 1.
NEARLY = 1.5
_SAMPLE = 16  # images


def sameness(frames: StoredFrames) -> str | None:
    """What to tell of images that are all the same or nearly so; None of others."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), _SAMPLE)).astype(int))
    some = np.stack([frames[int(index)] for index in chosen]).astype(np.float32)
    apart = float(np.abs(some - np.median(some, axis=0)).mean())
    if apart >= NEARLY:
        return None
    how = "are all the same" if apart == 0 else f"differ by {apart:.2g} grey levels on average"
    return (
        f"the images {how}: the detector learns no variation, and will take any other part for "
        "anomalous. Take photos of different good parts, on different days."
    )
