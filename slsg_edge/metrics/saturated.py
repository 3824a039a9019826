"""The saturated per-region overlap (sPRO) of MVTec LOCO: enough of a defect is all of it.

At a threshold, sPRO of a defect is min(its pixels above / saturation, 1), and the mean over all
defects is taken; a false positive is a pixel above that no defect of its image covers (Bergmann
et al., Beyond Dents and Scratches, IJCV 130, 2022, section 4.2). So of a defect only its
`saturation` highest scores matter, each with weight 1/saturation, and one sort gives the curve.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Mask

# False-positive rates up to which MVTec's evaluation integrates; 0.05 is the one that is quoted.
SPRO_LIMITS = (0.01, 0.05, 0.1, 0.3, 1.0)
QUOTED_SPRO_LIMIT = 0.05


def saturating_scores(scores: NDArray[Any], mask: Mask, saturation: int) -> NDArray[Any]:
    """The `saturation` highest scores of a defect, ascending."""
    inside = np.sort(scores[mask])
    return inside[len(inside) - min(saturation, len(inside)) :]
