"""A part is let go when its verdict is on the disk, and not before."""

import threading

from lines import dark_and_light, line_file, running, station, until, verdicts

from slsg_edge.line.outbox.pending import Pending
from slsg_edge.line.service.awaited import Awaited
from slsg_edge.line.service.parts import Parts


def pending():
    return Pending(threading.Condition())


def test_only_what_is_stored_is_done_and_once():
    done, first, second = [], pending(), pending()
    parts = Parts(Awaited())
    parts.add(first, "1", "a.png", done.append)
    parts.add(second, "2", "b.png", done.append)
    parts.look()
    assert done == []
    second.settle()
    parts.look()
    parts.look()
    assert done == ["b.png"]


def test_a_part_that_had_its_verdict_is_done_too():
    done, known = [], pending()
    parts = Parts(Awaited())
    parts.add(known, "1", "a.png", done.append)
    parts.add(known, "1", "b.png", None)
    known.settle(known=True)
    parts.look()
    assert done == ["a.png"]


def test_a_dropped_file_is_moved_after_its_verdict(toy_bundle, tmp_path):
    dropped = dark_and_light(tmp_path / "dropped")
    path = line_file(tmp_path, station("a", toy_bundle, f"drop:{dropped}?after=move"))
    with running(path) as service:
        until(lambda: len(list((dropped / "done").glob("*.png"))) == 3)
        assert len(verdicts(service, "a")) == 3
        assert not list(dropped.glob("*.png"))
