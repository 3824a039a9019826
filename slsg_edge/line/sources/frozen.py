"""Whether a camera sends the same picture again and again.

A sensor has noise, so two pictures of it are never the same, whatever stands before it. Coded
video smooths the noise and adds its own: there, a repeated picture differs in few pixels and by
little, and a keyframe draws everything anew and says nothing either way.
"""

import numpy as np

from slsg_edge.contracts import Image

_SHARE = 0.02  # of the pixels that the coding of a repeated picture changes at most
_LEVELS = 16  # grey levels by which it changes them at most


class Repeats:
    """Counts pictures that are the same as the one before; `after` equal ones are frozen.

    after: 0 never calls a picture frozen.
    """

    def __init__(self, after: int) -> None:
        self._after = after
        self._last: Image | None = None
        self._equal = 1

    def frozen(self, image: Image, *, whole: bool = True, coded: bool = False) -> bool:
        """whole: it was coded by itself. coded: others of the stream say only what changed."""
        if not self._after:
            return False
        last, self._last = self._last, image
        if last is None or last.shape != image.shape:
            self._equal = 1
        elif coded:
            self._count_coded(last, image, whole=whole)
        else:
            self._equal = self._equal + 1 if np.array_equal(last, image) else 1
        return self._equal >= max(self._after, 2)

    def _count_coded(self, last: Image, image: Image, *, whole: bool) -> None:
        changed = last != image
        # once frozen, finer coding of the same picture does not end it
        few = np.count_nonzero(changed) <= _SHARE * changed.size or self._equal >= self._after
        if not (few or whole) or _largest(last[changed], image[changed]) > _LEVELS:
            self._equal = 1
        elif not whole:
            self._equal += 1


def _largest(one: Image, other: Image) -> int:
    if not one.size:
        return 0
    return int((np.maximum(one, other) - np.minimum(one, other)).max())
