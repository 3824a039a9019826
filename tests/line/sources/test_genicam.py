"""GenICam through a stand-in for Harvesters: no simulated producer is to be had from a registry."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from slsg_edge.errors import MissingDependency
from slsg_edge.line.sources import genicam
from slsg_edge.line.sources.captures import CannotOpen, Deadlines
from slsg_edge.line.sources.genicam import open_genicam
from slsg_edge.line.sources.source import open_source

DEADLINES = Deadlines(1, 1)


class Camera:
    """Gives the components that a test wants, then times out."""

    def __init__(self):
        self.waiting, self.queued, self.calls = [], 0, []

    def start(self):
        self.calls.append("start")

    def stop(self):
        self.calls.append("stop")

    def destroy(self):
        self.calls.append("destroy")

    def fetch(self, *, timeout):
        if not self.waiting:
            raise TimeoutError(timeout)
        component = self.waiting.pop(0)
        if component is None:
            return None
        payload = SimpleNamespace(components=[component])
        return SimpleNamespace(payload=payload, timestamp_ns=0, queue=self._queue)

    def _queue(self):
        self.queued += 1


@pytest.fixture
def camera(monkeypatch, tmp_path):
    made = Camera()

    class Harvester:
        def __init__(self):
            self.files = []

        def add_file(self, path):
            self.files.append(path)

        def update(self):
            assert self.files == [str(tmp_path / "vendor.cti")]

        def create(self, key):
            if key not in (None, {"serial_number": "17"}):
                raise ValueError("no device found")
            return made

        def reset(self):
            made.calls.append("reset")

    package, core = ModuleType("harvesters"), ModuleType("harvesters.core")
    core.Harvester = Harvester
    monkeypatch.setitem(sys.modules, "harvesters", package)
    monkeypatch.setitem(sys.modules, "harvesters.core", core)
    monkeypatch.setenv(genicam.PRODUCERS, str(tmp_path))
    (tmp_path / "vendor.cti").touch()
    return made


def component(name, data):
    height, width = data.shape[:2]
    return SimpleNamespace(data_format=name, height=height, width=width, data=data.reshape(-1))


@pytest.mark.parametrize("text", ["genicam:17", "genicam:"])
def test_a_grey_picture_is_copied_and_its_buffer_given_back(camera, text):
    data = np.arange(12, dtype=np.uint8).reshape(3, 4)
    camera.waiting.append(component("Mono8", data))
    capture = open_genicam(text, DEADLINES)
    image = capture.read().image
    data[:] = 0
    assert (image == np.arange(12).reshape(3, 4, 1)).all()
    assert camera.queued == 1
    assert capture.read() is None
    capture.close()
    assert camera.calls == ["start", "stop", "destroy", "reset"]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("Mono12", np.full((2, 2), 4095, np.uint16), (255, 255, 255)),
        ("RGB8", np.full((2, 2, 3), (9, 8, 7), np.uint8), (7, 8, 9)),
        ("BGR8", np.full((2, 2, 3), (9, 8, 7), np.uint8), (9, 8, 7)),
        ("BayerRG8", np.tile(np.array([[200, 0], [0, 0]], np.uint8), (6, 6)), (0, 0, 200)),
        ("BayerBG8", np.tile(np.array([[200, 0], [0, 0]], np.uint8), (6, 6)), (200, 0, 0)),
        ("BayerGR8", np.tile(np.array([[0, 200], [0, 0]], np.uint8), (6, 6)), (0, 0, 200)),
        ("BayerGB8", np.tile(np.array([[0, 200], [0, 0]], np.uint8), (6, 6)), (200, 0, 0)),
    ],
)
def test_each_format_becomes_bgr(camera, name, data, expected):
    camera.waiting.append(component(name, data))
    image = open_genicam("genicam:17", DEADLINES).read().image
    middle = image[len(image) // 2, len(image) // 2]
    assert tuple(middle) == expected


def test_a_picture_in_part_and_a_format_that_is_not_read_are_faults(camera):
    camera.waiting += [None, component("Mono12Packed", np.zeros((2, 3), np.uint8))]
    capture = open_genicam("genicam:17", DEADLINES)
    assert capture.read().fault.reason == "damaged_frame"
    fault = capture.read().fault
    assert fault.reason == "unreadable"
    assert "Mono12Packed" in fault.detail


def test_a_camera_that_is_not_there_may_come(camera):
    with pytest.raises(CannotOpen, match="no device found") as raised:
        open_genicam("genicam:18", DEADLINES)
    assert not raised.value.wrong


def test_without_a_producer_it_says_what_is_missing(camera, monkeypatch):
    monkeypatch.setenv(genicam.PRODUCERS, "")
    with pytest.raises(CannotOpen, match="GENICAM_GENTL64_PATH") as raised:
        open_genicam("genicam:17", DEADLINES)
    assert raised.value.wrong


def test_without_harvesters_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(genicam, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"slsg-edge\[genicam\]"):
        open_source("genicam:17")
