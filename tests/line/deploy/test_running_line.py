"""Deployments to a line that runs, in this process."""

import shutil
from pathlib import Path

import pytest
from deploys import Here, deploy, spoiled, state_of, variant
from lines import line_file, reaches, running, station, until, verdicts

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.region import fingerprint_of
from slsg_edge.errors import ConfigError
from slsg_edge.line.deploy import deploying, shadowing, staging
from slsg_edge.line.deploy.active import bundle_of
from slsg_edge.line.deploy.state import Shadow, activated, change_state, folder_of
from slsg_edge.line.service.door import LineDoor
from slsg_edge.line.settings.reading import read_line


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(staging, "Apart", Here)
    monkeypatch.setattr(shadowing, "Apart", Here)


@pytest.fixture
def toy_bundle(toy_bundle):
    """For which the test picture is good."""
    return variant(toy_bundle, "base", 0.99)


@pytest.fixture
def path(toy_bundle, tmp_path):
    return line_file(tmp_path, station("a", toy_bundle), station("b", toy_bundle))


def runs(service, bundle: Path, name="a"):
    """Until the newest verdict of a station is of that bundle."""
    wanted = fingerprint_of(open_bundle(bundle))
    until(lambda: verdicts(service, name) and verdicts(service, name)[-1].bundle == wanted)


def told(service) -> str:
    found = LineDoor(service).status().station("a")
    return found.deployment if found else ""


def events(service) -> list:
    found = [each for each in service.outbox.events() if each.kind == "deploy"]
    return [(each.station, each.state) for each in reversed(found)]


def audited(line) -> str:
    return (line.folder / "audit.jsonl").read_text()


def ends(line, end):
    until(lambda: (state_of(line).last and state_of(line).last.end) == end)


def test_it_switches_between_two_frames_and_keeps_what_does(path, toy_bundle):
    """The test picture scores below 0.6, and has verdicts without a gap."""
    line, other = read_line(path), variant(toy_bundle, "other", 0.98)
    with running(path) as service:
        reaches(service, "a", 3)
        done = deploy(line, other)
        ends(line, "kept")
        runs(service, other)
        found = verdicts(service, "a")
        assert [each.sequence for each in found] == list(range(1, len(found) + 1))
        assert {each.verdict for each in found} == {"good"}
        until(lambda: ("a", "kept") in events(service))
        assert events(service)[0] == ("a", "switched")
        status = LineDoor(service).status()
        assert "0 of 10 parts were not good" in status.station("a").deployment
        assert status.alarms == ()
        assert status.station("b").deployment == ""
        assert {each.bundle for each in verdicts(service, "b")} == {found[0].bundle}
    assert done.fingerprint == fingerprint_of(open_bundle(other))
    assert "the line itself" in audited(line)
    assert "a test" in audited(line)


def test_a_bundle_that_finds_too_much_is_taken_back(path, toy_bundle):
    line, strict = read_line(path), variant(toy_bundle, "strict", 1e-6)
    with running(path) as service:
        reaches(service, "a", 3)
        deploy(line, strict)
        ends(line, "rolled back")
        runs(service, toy_bundle)
        assert "parts were not good, where at most 30% of 10 may be" in state_of(line).last.why
        assert state_of(line).active == ""
        assert any("was rolled back" in each for each in LineDoor(service).status().alarms)
        until(lambda: ("a", "rolled back") in events(service))
    assert "was rolled back" in audited(line)


def test_one_that_finds_too_little_is_taken_back(path, toy_bundle):
    line = read_line(path)
    with running(path):
        deploy(line, variant(toy_bundle, "blind", 0.98), band=(0.1, 1.0))
        ends(line, "rolled back")
    assert "only 0 of its first 10 parts" in state_of(line).last.why


def test_one_that_does_not_open_is_taken_back_and_no_part_goes_without(
    path, toy_bundle, monkeypatch
):
    line, other = read_line(path), variant(toy_bundle, "other", 0.98)
    with running(path) as service:
        reaches(service, "a", 3)
        folder = folder_of(line.folder, "a")
        done = deploy(line, other, shadow=Shadow(frames=10**6))
        spoiled(folder / done.bundle)
        deploying.switch(line, line.station[0], "a test")
        ends(line, "rolled back")
        assert "could not be opened" in state_of(line).last.why
        runs(service, toy_bundle)
        assert {each.verdict for each in verdicts(service, "a")} == {"good"}


@pytest.mark.parametrize("stations", ["one", "two"])
def test_a_line_that_starts_with_one_that_does_not_open_takes_it_back(
    stations, toy_bundle, tmp_path
):
    more = [station("b", toy_bundle)] if stations == "two" else []
    path = line_file(tmp_path, station("a", toy_bundle), *more)
    line = read_line(path)
    done = deploy(line, variant(toy_bundle, "other", 0.98))
    spoiled(folder_of(line.folder, "a") / done.bundle)
    with running(path) as service:
        runs(service, toy_bundle)
        assert state_of(line).last.end == "rolled back"


def test_one_with_which_the_line_ends_time_and_again_is_taken_back(path, toy_bundle):
    line = read_line(path)
    deploy(line, variant(toy_bundle, "other", 0.98), frames=10**6)
    for _ in range(3):
        with running(path) as service:
            reaches(service, "a", service.outbox.last_sequence("a") + 1)
    assert state_of(line).probation.starts == 3
    with running(path) as service:
        runs(service, toy_bundle)
    assert "began 3 times" in state_of(line).last.why


def test_counts_of_a_probation_go_on_after_a_restart(path, toy_bundle):
    line, other = read_line(path), variant(toy_bundle, "other", 0.98)
    deploy(line, other, frames=10**6)
    with running(path) as service:
        runs(service, other)
    seen = state_of(line).probation.seen
    assert seen > 0
    with running(path) as service:
        reaches(service, "a", service.outbox.last_sequence("a") + 5)
    assert state_of(line).probation.seen > seen


def test_a_shadow_is_compared_and_then_active(path, toy_bundle):
    line, other = read_line(path), variant(toy_bundle, "other", 0.98)
    with running(path) as service:
        reaches(service, "a", 3)
        deploy(line, other, shadow=Shadow(frames=5))
        ends(line, "kept")
        runs(service, other)
        assert [state for _, state in events(service)][:2] == ["shadow", "shadow"]


def test_a_shadow_that_finds_too_much_never_runs_and_shows_where(path, toy_bundle):
    line, strict = read_line(path), variant(toy_bundle, "strict", 1e-6)
    with running(path) as service:
        reaches(service, "a", 3)
        done = deploy(line, strict, shadow=Shadow(frames=5))
        ends(line, "refused")
        assert {each.verdict for each in verdicts(service, "a")} == {"good"}
    place = folder_of(line.folder, "a") / "differences" / done.bundle.removesuffix(".slsg")
    assert len((place / "differences.jsonl").read_text().splitlines()) >= 5
    assert "candidate anomalous" in (place / "index.html").read_text()
    assert len(list(place.glob("*.jpg"))) >= 5


def test_a_shadow_may_wait_for_a_person(path, toy_bundle):
    line, other = read_line(path), variant(toy_bundle, "other", 0.98)
    with running(path) as service:
        deploy(line, other, shadow=Shadow(frames=3, hold=True))
        until(lambda: state_of(line).shadow and state_of(line).shadow.done)
        until(lambda: "waits to be switched to" in told(service))
        deploying.switch(line, line.station[0], "a test")
        runs(service, other)


def test_a_shadow_whose_process_is_lost_is_refused_and_the_station_goes_on(
    path, toy_bundle, monkeypatch
):
    line = read_line(path)

    def lost(*_):
        raise ConfigError("it is lost.", fix="")

    monkeypatch.setattr(shadowing, "Apart", lost)
    with running(path) as service:
        deploy(line, variant(toy_bundle, "other", 0.98), shadow=Shadow(frames=3))
        ends(line, "refused")
        assert "it is lost" in state_of(line).last.why
        runs(service, toy_bundle)


def test_back_by_hand_is_no_alarm(path, toy_bundle):
    line, other = read_line(path), variant(toy_bundle, "other", 0.98)
    with running(path) as service:
        deploy(line, other)
        ends(line, "kept")
        runs(service, other)
        deploying.roll_back(line, line.station[0], "it was late", "a test")
        runs(service, toy_bundle)
        assert LineDoor(service).status().alarms == ()
    assert "it was late" in audited(line)


def test_line_toml_that_names_another_bundle_is_followed(path, toy_bundle):
    line, third = read_line(path), variant(toy_bundle, "third", 0.97)
    with running(path) as service:
        deploy(line, variant(toy_bundle, "other", 0.98))
        ends(line, "kept")
        path.write_text(path.read_text().replace(str(toy_bundle), str(third), 1))
        service.reload()
        runs(service, third)
        until(lambda: ("a", "forgotten") in events(service))


def test_a_line_that_is_moved_keeps_what_was_deployed(toy_bundle, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    shutil.copytree(toy_bundle, folder / "base.slsg")
    path = line_file(folder, station("a", Path("base.slsg")))
    done = deploy(read_line(path), variant(toy_bundle, "other", 0.98))
    folder.rename(tmp_path / "there")
    line = read_line(tmp_path / "there" / "line.toml")
    assert bundle_of(line.station[0], line.folder).name == done.bundle


def test_nobody_goes_back_to_one_that_was_not_through_its_probation(path, toy_bundle):
    line = read_line(path)
    deploy(line, variant(toy_bundle, "second", 0.98))
    third = deploy(line, variant(toy_bundle, "third", 0.97))
    assert (state_of(line).active, state_of(line).previous) == (third.bundle, ("",))


def test_a_state_that_cannot_be_read_stops_nobody_who_runs(path, toy_bundle):
    line = read_line(path)
    with running(path) as service:
        reaches(service, "a", 3)
        deploy(line, variant(toy_bundle, "other", 0.98))
        ends(line, "kept")
        (folder_of(line.folder, "a") / "deploy.json").write_text("{")
        until(lambda: any("deploy.json" in each for each in LineDoor(service).status().alarms))
        reaches(service, "a", service.outbox.last_sequence("a") + 3)
    with running(path) as service:
        reaches(service, "b", service.outbox.last_sequence("b") + 3)
        assert "deploy.json" in LineDoor(service).status().station("a").detail


def test_the_one_before_is_there_at_once_while_a_bundle_is_on_probation(path, toy_bundle):
    line, other = read_line(path), variant(toy_bundle, "other", 0.98)
    with running(path) as service:
        reaches(service, "a", 1)
        before = service.stations.named("a").opened.shared
        deploy(line, other, frames=10**6)
        runs(service, other)
        change_state(folder_of(line.folder, "a"), lambda state: activated(state, "", None))
        runs(service, toy_bundle)
        assert service.stations.named("a").opened.shared is before
