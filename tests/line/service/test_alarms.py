from slsg_edge.line.service.alarms import alarms
from slsg_edge.line.service.status import SinkStatus, StationStatus

WELL = StationStatus("bottles", "ok", ready=True)


def test_a_line_that_is_well_has_none():
    assert alarms([WELL], [SinkStatus("plant", "mqtt", waiting=3)], [None, None]) == ()


def test_each_trouble_is_a_sentence_with_its_place():
    lost = StationStatus("caps", "lost", ready=True, detail="no frame from /dev/video0")
    drifting = StationStatus("labels", "ok", ready=True, drift=("brightness",))
    behind = SinkStatus("plant", "mqtt", waiting=5000)
    silent = SinkStatus("mes", "webhook", waiting=7, trouble="it answers 500")
    assert alarms([lost, drifting], [behind, silent], ["The disk is full."]) == (
        "The disk is full.",
        "caps is without a picture: no frame from /dev/video0",
        "labels: good parts look otherwise than before: brightness",
        "plant is behind: 5000 verdicts wait",
        "mes takes no verdicts: it answers 500 (7 wait)",
    )


def test_a_station_that_was_not_opened_is_one():
    refused = StationStatus("caps", detail="there is no such bundle")
    assert alarms([refused], [], []) == ("caps is not ready yet: there is no such bundle",)
