"""What the chain asks of our own kernels: a picture to model resolution, the check of a result."""

from typing import Protocol

from slsg_edge.preprocessing import Roi
from slsg_edge.runtime.gpu.driver import Address
from slsg_edge.runtime.gpu.pixel_formats import Layout
from slsg_edge.runtime.gpu.resources import Stream


class FrameKernels(Protocol):
    """Compiled, loaded and found once; a launch allocates nothing and waits for nothing."""

    def preprocess(
        self, stream: Stream, source: Address, shape: tuple[int, ...], target: Address
    ) -> None:
        """A BGR picture (H, W, 3) without padding, to model resolution as `preprocessing` does."""

    def prepare(
        self, stream: Stream, source: Address, layout: Layout, target: Address, roi: Roi | None
    ) -> None:
        """A frame as a camera gives it: its region to model resolution."""

    def check(self, stream: Stream, maps: Address, scores: Address, batch: int) -> None:
        """A score becomes NaN when its map has a NaN or an infinity."""
