"""Which pictures of a stream are whole, and which may hold what a lost or wrong part left.

Most pictures of a film say only what changed since the one before. So what is wrong in one is
wrong in all that follow, until a whole picture comes: a keyframe.
"""

import time
from collections.abc import Callable

QUIET = 2.0  # seconds without damage after which a connection that was damaged twice is believed


class Trust:
    """Told of packets in the order of decoding and asked of pictures in the order of showing.

    lasting: a live connection whose damage comes again within QUIET is believed only after QUIET
    without any: where much is lost, not all of it is found.
    """

    def __init__(self, *, lasting: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._lasting, self._clock = lasting, clock
        self._why: str | None = "no whole keyframe came yet"
        self._from: int | None = None  # stamp of the keyframe that ends the damage
        self._keyframe = False  # whether one without damage came since
        self._damaged_at: float | None = None
        self._believed_at = 0.0

    def damage(self, why: str) -> None:
        now = self._clock()
        again = self._damaged_at is not None and now - self._damaged_at < QUIET
        if self._lasting and again:
            self._believed_at = now + QUIET
        self._damaged_at = now
        self._why, self._keyframe, self._from = why, False, None

    def keyframe(self, stamp: int | None) -> None:
        """A keyframe was decoded without a complaint."""
        if self._why is not None and not self._keyframe and self._clock() >= self._believed_at:
            self._keyframe, self._from = True, stamp

    def doubt(self, stamp: int | None, *, keyframe: bool) -> str | None:
        """Why the picture with this stamp may be damaged; None when it is whole."""
        if self._why is None or not self._keyframe:
            return self._why
        reached = keyframe if self._from is None or stamp is None else stamp >= self._from
        if not reached:
            return self._why
        self._why = None
        return None
