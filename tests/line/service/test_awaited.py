"""The board gets a verdict with its picture when it is stored."""

import time
from dataclasses import replace

import numpy as np
from line_records import record

from slsg_edge.contracts import Frame
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.records import Inspection
from slsg_edge.line.service import awaited as module
from slsg_edge.line.service.awaited import Awaited
from slsg_edge.line.service.status import StationBoard


def inspection(age=0.0, **changes):
    frame = Frame(0, "test:", time.time(), time.monotonic() - age)
    return Inspection(record(**changes), frame)


def expected(*given, limit_ms=500.0):
    awaited, board = Awaited(), StationBoard("bottles")
    for one in given:
        awaited.expect(one, board, limit_ms)
    return awaited, board


def test_a_stored_verdict_is_on_the_board_with_how_long_that_took():
    given = inspection()
    awaited, board = expected(given)
    awaited.stored(Stored(1, given.record))
    status = board.snapshot()
    assert status.counts == {"good": 1}
    assert set(status.latency_p50) == {"detect", "judge", "stored"}
    assert status.scores == (0.1,)
    assert status.late == 0


def test_while_the_disk_takes_nothing_the_board_goes_on():
    given = inspection()
    awaited, board = expected(given)
    awaited.stored(Stored(1, given.record, durable=False))
    assert board.snapshot().counts == {"good": 1}


def test_what_is_not_stored_is_forgotten():
    given = inspection()
    awaited, board = expected(given)
    awaited.forget(given.record.id)
    awaited.stored(Stored(1, given.record))
    assert board.snapshot().counts == {}


def test_a_verdict_that_took_longer_than_the_station_may_is_counted():
    given = inspection(age=2.0)
    awaited, board = expected(given)
    awaited.stored(Stored(1, given.record))
    assert board.snapshot().late == 1


def test_a_verdict_of_before_the_start_is_nobodys():
    awaited, board = expected()
    awaited.stored(Stored(1, record()))
    assert board.snapshot().counts == {}


def test_pictures_that_wait_do_not_fill_the_memory(monkeypatch):
    image = np.zeros((10, 10, 3), np.uint8)
    monkeypatch.setattr(module, "_PICTURE_BYTES", 2 * image.nbytes)
    given = [inspection() for _ in range(4)]
    given = [replace(each, frame=replace(each.frame, image=image)) for each in given]
    awaited, board = expected(*given)
    pictures = []
    for each in given:
        awaited.stored(Stored(1, each.record))
        pictures.append(board.snapshot().newest.frame.image is not None)
    assert pictures == [False, False, True, True]
    assert board.snapshot().counts == {"good": 4}


def test_verdicts_that_wait_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 2)
    given = [inspection() for _ in range(3)]
    awaited, board = expected(*given)
    for each in given:
        awaited.stored(Stored(1, each.record))
    assert board.snapshot().counts == {"good": 2}
