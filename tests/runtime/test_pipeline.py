import numpy as np
import pytest

from slsg_edge.contracts import Fault, Frame
from slsg_edge.errors import CameraError, ConfigError
from slsg_edge.runtime.pipeline import Pipeline

DAMAGED = Fault("damaged_frame", "half of it is missing")


class Lanes:
    """A `LaneDetector` whose score is the first pixel; `log` is what it was asked, in order."""

    name = "lanes"

    def __init__(self, lanes: int = 2, fails: tuple[str, int] | None = None) -> None:
        self.lanes = lanes
        self.fails = fails  # the call that fails, and for which first pixel
        self.log: list[str] = []
        self._held: dict[int, np.ndarray] = {}

    def submit(self, frame, lane):
        if len(frame) != 4:
            raise ConfigError("outside", fix="")
        if self.fails == ("submit", frame[0, 0, 0]):
            raise MemoryError("submit failed")
        self.log.append(f"submit {frame[0, 0, 0]}")
        self._held[lane] = frame.copy()

    def finish(self, lane):
        if self.fails == ("finish", self._held[lane][0, 0, 0]):
            raise MemoryError("finish failed")
        self.log.append(f"finish {self._held[lane][0, 0, 0]}")
        return float(self._held[lane][0, 0, 0])

    def map_of(self, lane):
        if self.fails == ("map_of", self._held[lane][0, 0, 0]):
            raise MemoryError("map_of failed")
        return self._held[lane][..., 0].astype(np.float32)

    def close(self):
        self.log.append("close")


def frames(count: int, sizes=()) -> list[Frame]:
    images = [np.full((4, 4, 3), index, np.uint8) for index in range(count)]
    for index in sizes:
        images[index] = images[index][:2]
    return [Frame(index, "test", 0, 0, image=image) for index, image in enumerate(images)]


def test_the_next_frame_is_on_its_way_before_the_last_is_finished():
    detector = Lanes()
    pipeline = Pipeline(frames(3), detector)
    scores = [pipeline.detect(frame.image).image_score for frame in pipeline]
    assert scores == [0, 1, 2]
    assert detector.log == ["submit 0", "submit 1", "finish 0", "submit 2", "finish 1", "finish 2"]


def test_the_map_belongs_to_the_frame():
    pipeline = Pipeline(frames(3), Lanes())
    for frame in pipeline:
        assert (pipeline.detect(frame.image).anomaly_map == frame.index).all()


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_every_frame_comes_out_once_whatever_is_in_flight(lanes):
    for count in range(5):
        assert [frame.index for frame in Pipeline(frames(count), Lanes(lanes))] == list(
            range(count)
        )


def test_a_frame_that_nobody_inspects_is_passed_over():
    detector = Lanes()
    pipeline = Pipeline(frames(5), detector)
    odd = [pipeline.detect(f.image).image_score for f in pipeline if f.index % 2]
    assert odd == [1, 3]


def test_what_is_wrong_with_a_frame_is_said_when_its_turn_comes():
    pipeline = Pipeline(frames(3, sizes=[1]), Lanes())
    seen = []
    for frame in pipeline:
        try:
            seen.append(pipeline.detect(frame.image).image_score)
        except ConfigError as error:
            seen.append(error.what)
    assert seen == [0, "outside", 2]


@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("call", ["submit", "finish", "map_of"])
def test_whatever_a_detector_raises_is_that_of_one_frame(lanes, call):
    pipeline = Pipeline(frames(5), Lanes(lanes, fails=(call, 2)))
    seen = []
    for frame in pipeline:
        try:
            seen.append(pipeline.detect(frame.image).image_score)
        except MemoryError as error:
            seen.append(str(error))
    assert seen == [0, 1, f"{call} failed", 3, 4]


def test_frames_in_flight_are_given_before_the_failure_of_their_source():
    def source():
        yield from frames(3)
        raise OSError("the disk is gone")

    pipeline = Pipeline(source(), Lanes(2))
    scores = []
    with pytest.raises(OSError, match="the disk is gone"):
        scores.extend(pipeline.detect(frame.image).image_score for frame in pipeline)
    assert scores == [0, 1, 2]


def test_a_frame_without_an_image_keeps_its_place():
    given = frames(3)
    given[1] = Frame(1, "test", 0, 0, fault=DAMAGED)
    assert [frame.fault for frame in Pipeline(given, Lanes())] == [None, DAMAGED, None]


def test_another_image_than_the_one_in_flight_is_refused():
    pipeline = Pipeline(frames(2), Lanes())
    stranger = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(CameraError, match="not the one that is in flight"):
        pipeline.detect(stranger)
    next(iter(pipeline))
    with pytest.raises(CameraError, match="not the one that is in flight"):
        pipeline.detect(stranger)


def test_closing_closes_the_detector():
    detector = Lanes()
    Pipeline([], detector).close()
    assert detector.log == ["close"]
