"""In how many ways some of a set can be chosen."""

import numpy as np
from numpy.typing import NDArray


def log_combinations(count: int) -> NDArray[np.float64]:
    """(count + 1,): the logarithm of `count` over k, for k from 0; the numbers would overflow."""
    factorials = np.concatenate([[0.0], np.log(np.arange(1, count + 1)).cumsum()])
    return np.asarray(factorials[-1] - factorials - factorials[::-1])
