from concurrent.futures import ThreadPoolExecutor

from slsg_edge.contracts import Fault, Frame
from slsg_edge.line.sources.buffer import MOST_FAULTS, FrameBuffer


def frame(index: int, fault: str | None = None) -> Frame:
    return Frame(index, "test", 0.0, 0.0, fault=Fault("no_frame", fault) if fault else None)


def taken(buffer: FrameBuffer) -> list[tuple[int, str | None]]:
    """Everything that waits, by index and fault."""
    frames = iter(lambda: buffer.take(0), None)
    return [(frame.index, frame.fault.detail if frame.fault else None) for frame in frames]


def test_whoever_waits_for_a_frame_is_let_go_when_it_closes():
    buffer = FrameBuffer()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(buffer.take, 60)
        buffer.close()
        assert waiting.result(30) is None


def test_the_newest_frame_wins_and_the_others_are_counted():
    buffer = FrameBuffer()
    for index in range(3):
        buffer.put(frame(index))
    assert taken(buffer) == [(2, None)]
    assert buffer.dropped == 2
    assert buffer.take(0) is None


def test_a_fault_waits_until_it_is_taken_whatever_comes_after_it():
    buffer = FrameBuffer()
    faults = {1: "stopped sending", 4: "cannot be decoded"}
    for index in range(6):
        buffer.put(frame(index, faults.get(index)))
    assert taken(buffer) == [(1, "stopped sending"), (4, "cannot be decoded"), (5, None)]
    assert buffer.dropped == 3


def test_the_same_fault_again_is_counted_and_not_kept_twice():
    buffer = FrameBuffer()
    for index in range(3):
        buffer.put(frame(index, "cannot be reached"))
    buffer.put(frame(3, "stopped sending"))
    assert taken(buffer) == [(0, "cannot be reached, 3 times"), (3, "stopped sending")]
    assert buffer.dropped == 0


def test_so_many_faults_wait_and_the_rest_are_counted():
    buffer = FrameBuffer()
    for index in range(MOST_FAULTS + 3):
        buffer.put(frame(index, f"fault {index}"))
    buffer.put(frame(99))
    *waiting, last, image = taken(buffer)
    assert [index for index, _ in waiting] == list(range(MOST_FAULTS - 1))
    assert last == (MOST_FAULTS - 1, f"fault {MOST_FAULTS - 1}, then 3 other faults")
    assert image == (99, None)
