import threading

import numpy as np
import pytest
from fake_gpu import FakeGpu

from slsg_edge.errors import CudaError
from slsg_edge.runtime.gpu import device as module
from slsg_edge.runtime.gpu.device import Device


@pytest.fixture
def gpu():
    return FakeGpu()


def test_what_was_made_last_is_freed_first(gpu):
    with Device(gpu) as device:
        device.buffer(8)
        device.stream()
        device.event()
        assert device.allocations == 3
    assert gpu.freed == ["event", "stream", "memory"]
    assert gpu.closed


def test_what_was_freed_by_hand_is_not_freed_again(gpu):
    with Device(gpu) as device:
        buffer = device.buffer(8)
        buffer.close()
        buffer.close()
        with pytest.raises(CudaError, match="Buffer was used after it was freed"):
            buffer.address  # noqa: B018
    assert gpu.freed == ["memory"]


def test_another_thread_is_refused_and_both_are_named(gpu):
    device = Device(gpu)
    said = []

    def intrude() -> None:
        for use in (device.stream, device.close):
            with pytest.raises(CudaError) as caught:
                use()
            said.append(caught.value.what)

    thread = threading.Thread(target=intrude, name="camera 2")
    thread.start()
    thread.join()
    assert said == ["The GPU belongs to the thread 'MainThread', but 'camera 2' used it."] * 2
    assert not gpu.closed
    device.close()


def test_a_closed_gpu_says_so_and_closing_twice_is_no_error(gpu):
    device = Device(gpu)
    device.close()
    device.close()
    with pytest.raises(CudaError, match="Orin was closed"):
        device.buffer(8)


def test_a_lost_gpu_is_a_cuda_error_and_closing_it_still_frees_what_can_be(gpu):
    device = Device(gpu)
    stream, event = device.stream(), device.event()
    stream.record(event)
    gpu.lost = True
    with pytest.raises(CudaError, match="Waiting for the GPU failed on Orin: reached gave CUDA"):
        device.wait(event)
    device.close()
    assert gpu.asked["free"] == 2
    with pytest.raises(CudaError, match="closed"):
        device.stream()


def test_one_thing_that_cannot_be_freed_does_not_keep_the_others(gpu):
    gpu.fails["free"] = 3
    device = Device(gpu)
    for _ in range(3):
        device.buffer(8)
    device.close()
    assert gpu.asked["free"] == 3
    assert gpu.freed == ["memory", "memory"]
    assert gpu.closed


def test_a_gpu_that_never_answers_is_given_up_and_not_asked_to_free(gpu, monkeypatch):
    abandoned: list[object] = []
    monkeypatch.setattr(module, "_abandoned", abandoned)
    device = Device(gpu)
    stream, event = device.stream(), device.event()
    stream.record(event)
    gpu.stuck = True
    with pytest.raises(CudaError, match=r"did not finish within 0\.01 s"):
        device.wait(event, 0.01)
    device.close()
    assert gpu.freed == []
    assert len(abandoned) == 3  # both and the driver, kept from Python's own freeing


def test_work_of_a_stream_is_done_in_order_and_reads_the_host_when_its_turn_comes(gpu):
    with Device(gpu) as device:
        stream, done = device.stream(), device.event()
        buffer, host = device.buffer(4), device.host((2,), np.uint16)
        stream.fill(buffer.address, 9, 4)
        stream.upload(buffer.address, host.array)
        stream.download(host.array, buffer.address)
        stream.record(done)
        host.array[:] = 7
        device.wait(done)
        assert host.array.tolist() == [7, 7]
    assert gpu.done == ["0:fill", "0:upload", "0:download", "0:record"]


def test_a_stream_that_waits_for_another_stays_behind_it(gpu):
    with Device(gpu) as device:
        first, second = device.stream(), device.stream()
        half, done, buffer = device.event(), device.event(), device.buffer(1)
        second.wait(half)
        second.fill(buffer.address, 2, 1)
        second.record(done)
        first.fill(buffer.address, 1, 1)
        first.fill(buffer.address, 3, 1)
        first.record(half)
        device.wait(done)
        assert gpu.at(buffer.address, 1) == 2
        assert done.since(half) > 0


def test_a_graph_runs_what_was_captured_and_capturing_runs_nothing(gpu):
    with Device(gpu) as device:
        stream, done, buffer = device.stream(), device.event(), device.buffer(1)
        graph = stream.capture(lambda: stream.fill(buffer.address, 5, 1))
        assert gpu.at(buffer.address, 1) != 5
        stream.run(graph)
        stream.record(done)
        device.wait(done)
        assert gpu.at(buffer.address, 1) == 5
    assert gpu.freed[0] == "graph"


def test_after_a_failed_capture_the_stream_runs_as_before(gpu):
    def work() -> None:
        raise CudaError("not while capturing", fix="")

    with Device(gpu) as device:
        stream, done = device.stream(), device.event()
        with pytest.raises(CudaError, match="not while capturing"):
            stream.capture(work)
        stream.record(done)
        device.wait(done)
    assert gpu.made["graph"] == gpu.freed.count("graph") == 1


@pytest.mark.parametrize("integrated", [False, True])
def test_host_memory_is_mapped_where_the_gpu_shares_it(integrated):
    with Device(FakeGpu(integrated=integrated)) as device:
        assert (device.host((4,), np.uint8).address is not None) is integrated
