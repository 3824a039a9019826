"""One capture of a camera, a stream or a film: what can be asked of it, and what it gives."""

import time
from dataclasses import dataclass, field
from typing import Protocol

from slsg_edge.contracts import Fault, Image

UNDECODABLE = Fault("unreadable", "the frame cannot be decoded")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds after which opening or reading a stream fails instead of blocking for ever."""

    open: float = 5.0
    read: float = 1.5


@dataclass(frozen=True, slots=True)
class Picture:
    """What one read gave, stamped with when it was taken, as far as the source tells.

    waited: seconds that the read waited for the source; 0 when the picture was there already.
    whole: it was coded by itself. coded: pictures of this source say only what changed.
    """

    image: Image | None
    captured_at: float = field(default_factory=time.time)
    captured_monotonic: float = field(default_factory=time.monotonic)
    fault: Fault | None = None
    waited: float = 1.0
    whole: bool = True
    coded: bool = False


class Capture(Protocol):
    @property
    def frame_count(self) -> int:
        """How many frames the container claims to hold; 0 or less for a stream."""

    @property
    def codec(self) -> str:
        """How the pictures are coded, by FFmpeg's name; empty where nobody knows."""

    def read(self) -> Picture | None:
        """The next picture, None when there is none (the end, a lost connection, a deadline)."""

    def close(self) -> None: ...


class CannotOpen(Exception):
    """Why an address gives no video.

    wrong: whether the address itself is wrong, where it was never right before.
    refused: whether a password was refused, so that trying often may lock the account.
    """

    def __init__(self, why: str, *, wrong: bool = False, refused: bool = False) -> None:
        super().__init__(why)
        self.why, self.wrong, self.refused = why, wrong or refused, refused
