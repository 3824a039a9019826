"""A GenICam camera (GigE or USB3 Vision) through its vendor's GenTL producer, by Harvesters."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from slsg_edge.contracts import Fault, Image
from slsg_edge.errors import MissingDependency
from slsg_edge.line.sources.ages import ArrivalClock, StreamClock
from slsg_edge.line.sources.captures import CannotOpen, Deadlines, Picture
from slsg_edge.runtime.reasons import described, one_line

PREFIX = "genicam:"
PRODUCERS = "GENICAM_GENTL64_PATH"  # the variable that vendors' installers set
# What OpenCV calls the conversion to BGR; of a deep format, by how many bits it is moved.
_COLOURS = {
    "BGR8": None,
    "RGB8": "COLOR_RGB2BGR",
    "BayerBG8": "COLOR_BayerBGGR2BGR",
    "BayerGB8": "COLOR_BayerGBRG2BGR",
    "BayerGR8": "COLOR_BayerGRBG2BGR",
    "BayerRG8": "COLOR_BayerRGGB2BGR",
}
_GREYS = {"Mono8": 0, "Mono10": 2, "Mono12": 4, "Mono14": 6, "Mono16": 8}


def check_genicam() -> None:
    """MissingDependency where Harvesters is not installed."""
    if find_spec("harvesters") is None:
        raise MissingDependency("harvesters", extra="genicam")


def open_genicam(text: str, deadlines: Deadlines) -> "GenicamCapture":
    """CannotOpen when the camera is not there; `genicam:` alone is the only one."""
    from harvesters.core import Harvester

    producers = list(_producers())
    if not producers:
        raise CannotOpen(f"{PRODUCERS} names no folder with a GenTL producer (*.cti)", wrong=True)
    harvester = Harvester()
    try:
        for producer in producers:
            harvester.add_file(str(producer))
        harvester.update()
        serial = text.removeprefix(PREFIX).strip()
        camera = harvester.create({"serial_number": serial} if serial else None)
    except Exception as error:  # of Harvesters, of its binding, of the vendor's producer
        harvester.reset()
        raise CannotOpen(one_line(described(error))) from error
    return GenicamCapture(harvester, camera, deadlines)


def _producers() -> Iterator[Path]:
    for folder in filter(None, os.environ.get(PRODUCERS, "").split(os.pathsep)):
        yield from sorted(Path(folder).glob("*.cti"))


class GenicamCapture:
    frame_count = 0
    codec = ""

    def __init__(self, harvester: Any, camera: Any, deadlines: Deadlines) -> None:
        self._harvester, self._camera, self._timeout = harvester, camera, deadlines.read
        self._stamps, self._arrivals = StreamClock(), ArrivalClock()
        try:
            with suppress(Exception):  # not every producer has it
                nodes = camera.data_streams[0].node_map
                nodes.StreamBufferHandlingMode.value = "NewestOnly"
            camera.start()
        except Exception as error:
            self.close()
            raise CannotOpen(one_line(described(error))) from error

    def read(self) -> Picture | None:
        asked = time.monotonic()
        try:
            buffer = self._camera.fetch(timeout=self._timeout)
        except Exception:  # its deadline, or a camera that was unplugged
            return None
        arrived = time.monotonic()
        if buffer is None:
            fault = Fault("damaged_frame", "the camera's picture came in part")
            return Picture(None, fault=fault, waited=arrived - asked)
        try:
            taken = self._taken_at(buffer, arrived)
            image, why = _converted(buffer.payload.components[0])
        finally:
            buffer.queue()
        at = time.time() - (arrived - taken)
        return Picture(image, at, taken, why, waited=arrived - asked)

    def close(self) -> None:
        for end in (self._camera.stop, self._camera.destroy, self._harvester.reset):
            with suppress(Exception):
                end()

    def _taken_at(self, buffer: Any, arrived: float) -> float:
        """From the camera's own clock, where it has one."""
        try:
            stamp = float(buffer.timestamp_ns)
        except Exception:
            stamp = 0.0
        if stamp <= 0:
            return self._arrivals.taken_at(arrived)
        return self._stamps.taken_at(stamp / 1e9, arrived)


def _converted(component: Any) -> tuple[Image | None, Fault | None]:
    """As BGR of 8 bit, in memory of our own: the buffer goes back to the camera."""
    import cv2

    name, data = str(component.data_format), component.data
    size = int(component.height), int(component.width)
    if name in _GREYS:
        grey = (data.reshape(size) >> _GREYS[name]).astype(np.uint8)
        return np.repeat(grey[..., None], 3, 2), None
    if name not in _COLOURS:
        known = ", ".join((*_GREYS, *_COLOURS))
        text = f"the camera sends {name}, which is not read: set its PixelFormat to one of {known}"
        return None, Fault("unreadable", text)
    conversion = _COLOURS[name]
    if conversion is None:
        return np.array(data.reshape(*size, 3), np.uint8), None
    shape = size if name.startswith("Bayer") else (*size, 3)
    image = cv2.cvtColor(np.asarray(data.reshape(shape), np.uint8), getattr(cv2, conversion))
    return np.asarray(image, np.uint8), None
