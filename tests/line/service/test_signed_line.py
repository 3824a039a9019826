"""A line whose machine trusts a key: its technician works on, and nothing else is let in."""

import pytest
from conftest import HALF, TOY, build_bundle
from lines import line_file, reaches, running, station, until, verdicts
from signed import World, world_of

from slsg_edge.bundle.trust import require_trusted, trusted_keys
from slsg_edge.line.service.door import LineDoor


@pytest.fixture
def world(tmp_path, monkeypatch) -> World:
    made = world_of(
        tmp_path / "world", build_bundle(tmp_path / "t.slsg", TOY.read_bytes(), HALF).path
    )
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(made.store))
    return made


def test_a_threshold_set_on_the_page_of_a_signed_line_judges_and_is_signed(world, tmp_path):
    with running(line_file(tmp_path, station("a", world.bundle))) as service:
        reaches(service, "a", 2)
        LineDoor(service).set_threshold("a", 0.001, by="Ada", why="too many pass")
        until(lambda: verdicts(service, "a")[-1].threshold == 0.001)
    found = require_trusted(world.bundle, trusted_keys())
    assert found.changed_here
    assert found.manifest is not None
    assert found.manifest.threshold is not None
    assert found.manifest.threshold.value == 0.001


def test_a_line_goes_on_when_what_it_should_open_next_is_not_trusted(world, tmp_path):
    path = line_file(tmp_path, station("a", world.bundle))
    said: list[str] = []
    with running(path, said) as service:
        reaches(service, "a", 2)
        (world.bundle / "signatures.jsonl").unlink()
        manifest = world.bundle / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"value": 0.5', '"value": 0.9'))
        service.reload()
        until(lambda: any("What ran goes on" in each for each in said))
        reaches(service, "a", service.outbox.last_sequence("a") + 3)
        assert verdicts(service, "a")[-1].verdict != "undecided"
        assert verdicts(service, "a")[-1].threshold == 0.5
        assert any("it is not signed" in each for each in said)
