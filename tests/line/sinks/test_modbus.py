"""A real Modbus client reads verdicts and asks for them."""

import gc
import itertools
import re
import socket
import threading
import time
from pathlib import Path
from random import Random
from typing import get_args

import pytest
from line_verdicts import stored
from pymodbus.client import ModbusTcpClient

from slsg_edge.contracts import Frame, Outcome, Reason
from slsg_edge.errors import ConfigError
from slsg_edge.line.service.status import SourceState
from slsg_edge.line.settings.sinks import ModbusSettings
from slsg_edge.line.sinks.modbus import ModbusDisplay
from slsg_edge.line.sinks.modbus_registers import BLOCK, REASONS, STATES, VERDICTS, block_of


@pytest.fixture
def display():
    made = ModbusDisplay(ModbusSettings(port=0, unit=7), ["one", "two"])
    yield made
    made.close()


@pytest.fixture
def plc(display):
    with ModbusTcpClient("127.0.0.1", port=display.port, timeout=20) as client:
        yield client


def block(plc, place=0, inputs=False):
    read = plc.read_input_registers if inputs else plc.read_holding_registers
    return block_of(read(place * BLOCK, count=BLOCK, device_id=7).registers)


def test_before_the_first_verdict_there_is_none(plc):
    read = block(plc)
    assert (read.verdict, read.sequence, read.state) == (None, 0, "starting")


@pytest.mark.parametrize("inputs", [False, True])
def test_a_verdict_stands_in_the_block_of_its_station(display, plc, inputs):
    display.show(stored("two", 70_000, "anomalous"))
    display.show(stored("one", 3, "undecided", "stale", durable=False))
    one, two = (block(plc, place, inputs) for place in (0, 1))
    assert (two.verdict, two.score, two.threshold) == ("anomalous", 0.123, 0.5)
    assert (two.sequence, two.reason, two.durable) == (70_000, None, True)
    assert (two.age_ms, two.latency_ms, two.state) == (12, 21, "ok")
    assert (one.verdict, one.score, one.threshold) == ("undecided", None, None)
    assert (one.sequence, one.reason, one.durable, one.state) == (3, "stale", False, "lost")


def test_the_state_is_what_the_station_tells(display, plc):
    display.tell("one", "idle")
    assert block(plc).state == "idle"
    display.show(stored("one", 1))
    assert block(plc).state == "idle"


def test_states_are_asked_for_at_each_beat(display, plc):
    display.states = lambda: {"one": "lost", "elsewhere": "ok"}
    display.beat()
    assert block(plc).state == "lost"
    assert block(plc, 1).state == "starting"


def test_the_heartbeat_counts_and_goes_round(display, plc):
    beats = []
    for _ in range(3):
        display.beat()
        beats.append(block(plc).heartbeat)
    assert beats == [1, 2, 3]
    display.show(stored("one", 1))
    assert block(plc).heartbeat == 3
    for _ in range(0x10000 - 3):
        display.beat()
    assert block(plc).heartbeat == 0


def test_verdict_and_sequence_are_never_torn(display, plc):
    """Both words of the sequence are the same; even ones are good and odd ones anomalous."""
    ends = threading.Event()

    def write():
        for number in itertools.cycle(range(0x10000)):
            verdict = "anomalous" if number % 2 else "good"
            display.show(stored("one", number * 0x10001, verdict))
            if ends.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        reads = [block(plc) for _ in range(300)]
    finally:
        ends.set()
        writer.join()
    for read in reads:
        high, low = divmod(read.sequence, 0x10000)
        assert high == low
        assert read.verdict in (None, "anomalous" if low % 2 else "good")


def test_a_coil_that_rises_asks_once_and_falls_with_its_verdict(display, plc):
    requests = display.requests(3)
    before = time.monotonic()
    assert not plc.write_coil(3, True, device_id=7).isError()
    assert not plc.write_coil(3, True, device_id=7).isError()  # does not rise
    assert requests.wait(20)
    frame = Frame(0, "camera", 0.0, time.monotonic() + 1, image=object())
    assert requests.offer(frame)
    assert requests.answer(9, 0, lambda asked: pytest.fail("it has a frame")) is frame
    assert requests.idle
    display.show(stored("one", 1, captured=before))  # of an earlier frame
    assert plc.read_coils(3, count=1, device_id=7).bits[0]
    display.show(stored("one", 2, captured=frame.captured_monotonic))
    assert not plc.read_coils(3, count=1, device_id=7).bits[0]
    assert block(plc).sequence == 2
    assert not plc.write_coils(2, [False, True], device_id=7).isError()
    assert requests.wait(20)


def test_a_coil_of_two_stations_falls_with_the_last_verdict(display, plc):
    asked = [display.requests(0), display.requests(0)]
    plc.write_coil(0, True, device_id=7)
    for number, requests in enumerate(asked):
        assert plc.read_coils(0, count=1, device_id=7).bits[0]
        requests.offer(Frame(0, "camera", 0.0, time.monotonic() + 1 + number, image=object()))
        frame = requests.answer(9, 0, lambda asked: pytest.fail("it has a frame"))
        display.show(stored("two", captured=frame.captured_monotonic))
    assert not plc.read_coils(0, count=1, device_id=7).bits[0]


def test_a_station_that_is_gone_holds_up_no_coil(display, plc):
    gone, requests = display.requests(0), display.requests(0)
    del gone
    gc.collect()
    plc.write_coil(0, True, device_id=7)
    requests.offer(Frame(0, "camera", 0.0, time.monotonic() + 1, image=object()))
    frame = requests.answer(9, 0, lambda asked: pytest.fail("it has a frame"))
    display.show(stored("one", captured=frame.captured_monotonic))
    assert not plc.read_coils(0, count=1, device_id=7).bits[0]


def test_a_coil_that_asks_nobody_is_refused(plc):
    assert plc.write_coil(5, True, device_id=7).exception_code == 2
    assert not plc.write_coil(5, False, device_id=7).isError()


def test_registers_cannot_be_written_and_others_not_read(plc):
    assert plc.write_register(1, 1, device_id=7).exception_code == 2
    assert plc.read_holding_registers(2 * BLOCK, count=1, device_id=7).exception_code == 2


def test_garbage_is_no_harm_and_no_flood_of_the_log(display, plc, caplog):
    random = Random(0)
    for code in (0, 1, 5, 8, 15, 16, 23, 43, 99):
        for start in (b"", bytes((0, 1, 0, 0, 0, random.randrange(20), 7, code))):
            with socket.create_connection(("127.0.0.1", display.port), 20) as stranger:
                stranger.sendall(start + random.randbytes(random.randrange(600)))
    display.show(stored("one", 9))
    assert block(plc).sequence == 9
    assert not [record for record in caplog.records if record.name.startswith("pymodbus")]


def test_another_unit_is_told_so(plc):
    assert plc.read_holding_registers(0, count=1, device_id=8).exception_code == 0x0B


def test_a_port_in_use_is_refused_by_name():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"'modbus' cannot listen on 127.0.0.1:{port}"):
            ModbusDisplay(ModbusSettings(port=port), ["one"])


def test_a_coil_that_is_not_there_is_refused(display):
    with pytest.raises(ConfigError, match="no coil 5000"):
        display.requests(5000)


def test_every_word_has_its_number():
    assert (set(get_args(Reason)), set(get_args(SourceState)), set(get_args(Outcome))) == (
        set(REASONS),
        set(STATES),
        set(VERDICTS),
    )


def test_two_displays_go_side_by_side_and_end_quickly(display):
    other = ModbusDisplay(ModbusSettings(port=0), ["one"])
    assert other.port != display.port
    with ModbusTcpClient("127.0.0.1", port=other.port, timeout=20) as client:
        other.show(stored("one", 5))
        assert block_of(client.read_holding_registers(0, count=16, device_id=1).registers).sequence
        other.close()


@pytest.mark.parametrize(("what", "numbers"), [("reasons", REASONS), ("states", STATES)])
def test_the_page_says_the_numbers(what, numbers):
    page = (Path(__file__).parents[3] / "docs" / "line.md").read_text()
    table = page.split(f"<!-- modbus {what} -->")[1].split(f"<!-- /modbus {what} -->")[0]
    assert dict(re.findall(r"\| `(\w+)` \| (\d+) \|", table)) == {
        name: str(number) for name, number in numbers.items()
    }
