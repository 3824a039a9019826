"""The PLC on the desk passes a part only for a fresh `good` of a station that is alive."""

import threading
import time
from pathlib import Path

import pytest
from line_verdicts import stored

from slsg_edge.contracts import Frame
from slsg_edge.errors import ConfigError
from slsg_edge.line.settings.line import LineSettings, StationSettings, TriggerSettings
from slsg_edge.line.settings.sinks import ModbusSettings
from slsg_edge.line.simulate.plc import Plc, Wiring, simulate_plc, wiring_of
from slsg_edge.line.sinks.modbus import ModbusDisplay

LONG = 20.0


class Station:
    """Answers each request with the next verdict, and beats."""

    def __init__(self, verdicts, port=0):
        self.display = ModbusDisplay(ModbusSettings(port=port), ["one"])
        self.requests = self.display.requests(0)
        self.beats = True
        self._ends = threading.Event()
        threads = (self._beat, lambda: self._answer(verdicts))
        self._threads = [threading.Thread(target=run, daemon=True) for run in threads]
        for thread in self._threads:
            thread.start()

    @property
    def wiring(self):
        return Wiring("127.0.0.1", self.display.port, coil=0)

    def _beat(self):
        while not self._ends.wait(0.05):
            if self.beats:
                self.display.beat()

    def _answer(self, verdicts):
        for number, verdict in enumerate(verdicts, 1):
            while not self._ends.is_set() and not self.requests.wait(0.1):
                pass
            frame = Frame(number, "camera", 0.0, time.monotonic() + 0.001, image=object())
            self.requests.offer(frame)
            self.requests.answer(LONG, 0, pytest.fail)
            reason = "no_frame" if verdict == "undecided" else None
            shown = stored("one", number, verdict, reason, frame.captured_monotonic)
            self.display.show(shown)

    def close(self):
        self._ends.set()
        self.display.close()


@pytest.fixture
def station():
    made = []

    def make(*verdicts):
        made.append(Station(verdicts))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_it_asks_reads_and_decides(station):
    said = []
    wiring = station("good", "anomalous", "undecided", "good").wiring
    assert simulate_plc(wiring, said.append, parts=4, every=0) == (2, 2)
    assert said[0].startswith("PASS   verdict 1, good, score 0.123")
    assert said[1].startswith("REJECT verdict 2, anomalous")
    assert said[2].startswith("REJECT verdict 3, undecided (no_frame), after")


def test_a_heartbeat_that_stands_still_is_a_reject(station):
    made = station()
    made.beats = False
    with Plc(made.wiring, patience=LONG) as plc:
        decision = plc.decide()
    assert not decision.passes
    assert decision.why == "its heartbeat has stood still for 1 s"


def test_a_verdict_that_does_not_come_is_a_reject(station):
    with Plc(station().wiring, patience=0.2) as plc:
        assert plc.decide().why == "no verdict came"


def test_nobody_there_is_a_reject_and_a_station_that_comes_is_read():
    with Plc(Wiring("127.0.0.1", 1, coil=0)) as plc:
        assert plc.decide().why == "the station does not answer"


def test_a_coil_that_asks_nobody_is_a_refusal(station):
    wiring = station().wiring
    with Plc(Wiring(wiring.host, wiring.port, coil=9)) as plc:
        assert plc.decide().why == "the station refuses: exception 2"


def test_without_a_coil_it_waits_for_the_next_verdict(station):
    made = station()
    made.display.show(stored("one", 5))
    with Plc(Wiring("127.0.0.1", made.display.port), patience=LONG) as plc:
        waiting = threading.Timer(0.2, lambda: made.display.show(stored("one", 8)))
        waiting.start()
        decision = plc.decide()
    assert (decision.passes, decision.sequence) == (True, 8)
    assert "2 before it not seen" in decision.why


def line(*stations):
    sinks = (ModbusSettings("a", port=5020), ModbusSettings("b", "0.0.0.0", 5021, 3))
    return LineSettings(stations, modbus=sinks)


EVERY_FRAME = TriggerSettings()


def one(name, sinks=None, trigger=EVERY_FRAME):
    return StationSettings(name, "0", Path("x.slsg"), sinks=sinks, trigger=trigger)


def test_the_wiring_is_that_of_the_file():
    asked = TriggerSettings("modbus", sink="b", coil=4)
    settings = line(one("first"), one("second", ("a",)), one("third", None, asked))
    assert wiring_of(settings) == Wiring("127.0.0.1", 5020, 1, 0, None)
    assert wiring_of(settings, "second") == Wiring("127.0.0.1", 5020, 1, 1, None)
    without = line(one("first", ("b",)), one("second", ("a",)))
    assert wiring_of(without, "second").place == 1  # blocks are in the order of the file
    assert wiring_of(settings, "third") == Wiring("127.0.0.1", 5021, 3, 2, 4)


@pytest.mark.parametrize("name", ["fourth", "without"])
def test_a_station_that_no_plc_can_read_is_refused(name):
    with pytest.raises(ConfigError, match=name):
        wiring_of(line(one("first"), one("without", ())), name)
