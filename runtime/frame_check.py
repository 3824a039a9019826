"""Whether a frame shows what the detector was trained for: its size, and a picture at all.

A lens cap, a white-out or the grey of a lost decoder must not be called good, and neither must
another part of the product that a camera of another resolution puts into the region.
"""

from dataclasses import dataclass

from slsg_edge.bundle.folder import Bundle
from slsg_edge.contracts import Fault, Image
from slsg_edge.errors import CameraError
from slsg_edge.images import UsualFrames, few_pixels, look_of
from slsg_edge.preprocessing import Preprocessing

# How many times flatter, darker or nearer to white than any good image a frame may be. A change of
# light is for the detector and for people: of three products, half the light stays inside, and of
# twice the light what is not all white.
_FLATTER, _DARKER, _WHITER = 4, 6, 8
_ONE_COLOUR = 2  # grey levels of noise in a picture of one colour
_PROPORTION = 0.01  # by which the proportions of the same field of view may differ


class FaultyFrame(CameraError):
    """A frame that shows something else than what the detector was trained for."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(
            f"The frame was not inspected: {fault.detail}.",
            fix="Take it again as the good images were taken; `any_size=True` scales frames.",
        )
        self.fault = fault


@dataclass(frozen=True, slots=True)
class FrameCheck:
    """usual: of the good images that were trained on. any_size: frames of any size are taken."""

    usual: UsualFrames
    preprocessing: Preprocessing
    any_size: bool = False

    def fault(self, frame: Image) -> Fault | None:
        """Why the frame may not be inspected; None when it may."""
        return self._size(frame) or self._picture(frame)

    def require(self, frame: Image) -> None:
        """FaultyFrame for one that may not be inspected."""
        fault = self.fault(frame)
        if fault is not None:
            raise FaultyFrame(fault)

    def _size(self, frame: Image) -> Fault | None:
        height, width = frame.shape[:2]
        usual = self.usual
        if self.any_size or usual.height is None or usual.width is None:
            return None
        if (height, width) == (usual.height, usual.width) or self._harmless(height, width):
            return None
        return Fault(
            "frame_size",
            f"the frame is {width}x{height} and the detector was trained on "
            f"{usual.width}x{usual.height}: set the camera to that size, or let `watch "
            "--any-size` scale frames",
        )

    def _harmless(self, height: int, width: int) -> bool:
        """The whole frame in the same proportions, and not fewer pixels than the model takes."""
        usual, spec = self.usual, self.preprocessing
        if spec.roi is not None or usual.height is None or usual.width is None:
            return False
        stretched = (height * usual.width) / (width * usual.height)
        enough = height >= min(spec.height, usual.height) and width >= min(spec.width, usual.width)
        return enough and abs(stretched - 1) <= _PROPORTION

    def _picture(self, frame: Image) -> Fault | None:
        usual = self.usual
        if usual.darkest is None or usual.brightest is None or usual.flattest is None:
            one = "there is no picture on the frame: all of it is one colour"
            return Fault("no_picture", one) if _one_colour(frame) else None
        look = look_of(frame)
        seen = (
            look.contrast >= usual.flattest / _FLATTER
            and look.brightness >= usual.darkest / _DARKER
            and 255 - look.brightness >= (255 - usual.brightest) / _WHITER
        )
        if seen:
            return None
        return Fault(
            "no_picture",
            f"there is no picture on the frame: brightness {look.brightness:.0f}, contrast "
            f"{look.contrast:.1f}, where good images have {usual.darkest:.0f} to "
            f"{usual.brightest:.0f} and at least {usual.flattest:.1f}",
        )


def frame_check_of(bundle: Bundle, *, any_size: bool = False) -> FrameCheck:
    """By what the bundle knows of its good images; an old one knows nothing."""
    manifest = bundle.manifest
    return FrameCheck(manifest.usual, manifest.preprocessing, any_size)


def _one_colour(frame: Image) -> bool:
    """All pixels are looked at only where a few of them are alike."""
    import cv2

    if cv2.meanStdDev(few_pixels(frame))[1].max() > _ONE_COLOUR:
        return False
    pixels = frame.reshape(-1, 3)
    return bool((pixels.max(axis=0).astype(int) - pixels.min(axis=0) <= _ONE_COLOUR).all())
