"""A deployment that is cut at any change of the disk: afterwards there is one whole bundle.

A cut is an exception before or after one change. Without power, what was not synced is lost as
well: a file that was only written is cut, and a rename that was only made is undone.
"""

import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from bundles import rewrite
from conftest import HALF, TOY, build_bundle
from lines import line_file, station

from slsg_edge.bundle.archive import pack
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import BundleError, ConfigError
from slsg_edge.line.deploy import deploying, disk, staging
from slsg_edge.line.deploy.active import bundle_of
from slsg_edge.line.deploy.apart import Facts
from slsg_edge.line.deploy.staging import require_whole
from slsg_edge.line.deploy.state import (
    Probation,
    Shadow,
    change_state,
    folder_of,
    kept,
    rolled_back,
)
from slsg_edge.line.settings.reading import read_line

CHANGES = ("make_folder", "append", "sync_file", "sync_folder", "rename", "remove")
LEAST = 200  # cuts


class Cut(BaseException):
    """Nothing catches it, as nothing catches the end of a process."""


class Disk:
    """Counts the changes of the disk, and stops at one of them.

    power: whether it fails, and with it what was not synced yet.
    """

    def __init__(self, monkeypatch, at=None, *, after=False, power=False, syncs=True) -> None:
        self.count, self._at, self._after, self._power = 0, at, after, power
        self._syncs = syncs
        self._written: dict[Path, int] = {}  # bytes that were synced
        self._renamed: list[tuple[Path, Path, bytes | None]] = []
        for name in CHANGES:
            monkeypatch.setattr(disk, name, self._step(name, getattr(disk, name)))

    def _step(self, name, change):
        def step(*arguments):
            self.count += 1
            if self.count == self._at and not self._after:
                self._cut()
            self._before(name, arguments)
            change(*arguments)
            if name == "sync_file" and self._syncs:
                path = Path(arguments[0].name)
                self._written[path] = path.stat().st_size
            if self.count == self._at and self._after:
                self._cut()

        return step

    def _before(self, name, arguments) -> None:
        if name == "append":
            self._written.setdefault(Path(arguments[0].name), 0)
        elif name == "rename":
            source, target = arguments
            old = target.read_bytes() if target.is_file() else None
            self._renamed.append((source, target, old))
        elif name == "sync_folder" and self._syncs:
            self._renamed = [each for each in self._renamed if each[1].parent != arguments[0]]

    def _cut(self) -> None:
        if self._power:
            self.lose()
        raise Cut

    def lose(self) -> None:
        for source, target, old in reversed(self._renamed):
            with suppress(OSError):
                target.rename(source)
                if old is not None:
                    target.write_bytes(old)
        for path, synced in self._written.items():
            if path.is_file():
                with path.open("r+b") as file:
                    file.truncate(synced)


class Tried:
    """Stands for the process that tries a candidate: here it is about the disk."""

    facts = Facts("toy", 0.5, "0" * 16)

    def __init__(self, *_) -> None: ...

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """Four that differ in their manifest."""
    folder = tmp_path_factory.mktemp("bundles")
    made = [build_bundle(folder / f"{n}.slsg", TOY.read_bytes(), HALF).path for n in range(5)]
    for number, path in enumerate(made):
        rewrite(open_bundle(path), lambda table, n=number: table["spec"].update(number=n))
        pack(open_bundle(path), path.with_suffix(".slsg.zip"))
    return made


@pytest.fixture
def begin(bundles, tmp_path, monkeypatch):
    """A fresh line with one station, and how often it was asked for."""
    monkeypatch.setattr(staging, "Apart", Tried)
    count = 0

    def fresh():
        nonlocal count
        count += 1
        folder = tmp_path / str(count)
        folder.mkdir()
        return read_line(line_file(folder, station("a", bundles[0])))

    return fresh


def wish(**changes):
    return deploying.Wish(Probation(10, 0.0, 0.5), by="a test", **changes)


def deployed(line, bundle, **changes):
    deploying.deploy(bundle, line, line.station[0], wish(**changes))


def ended(line, how):
    """As the line itself does when a probation is over."""
    change_state(folder_of(line.folder, "a"), how)


# Each prepares a line, and then does what is cut.
SCENES = {
    "first": (lambda line, made: None, lambda line, made: deployed(line, made[1])),
    "fourth": (
        lambda line, made: [deployed(line, each) for each in made[1:4]],
        lambda line, made: deployed(line, made[4]),
    ),
    "archive": (
        lambda line, made: deployed(line, made[1]),
        lambda line, made: deployed(line, made[2].with_suffix(".slsg.zip")),
    ),
    "shadow": (
        lambda line, made: deployed(line, made[1]),
        lambda line, made: (
            deployed(line, made[2], shadow=Shadow(frames=5)),
            deploying.switch(line, line.station[0], "a test"),
        ),
    ),
    "back": (
        lambda line, made: [deployed(line, each) for each in made[1:3]],
        lambda line, made: deploying.roll_back(line, line.station[0], "a test", "a test"),
    ),
    "taken back": (
        lambda line, made: deployed(line, made[1]),
        lambda line, made: ended(line, lambda state: rolled_back(state, "a test")),
    ),
    "kept": (
        lambda line, made: deployed(line, made[1]),
        lambda line, made: ended(line, kept),
    ),
}
HOW = {"killed before": (False, False), "killed after": (True, False), "power lost": (False, True)}


@pytest.fixture(scope="module")
def points():
    """How many changes there are in each scene, as far as it ran."""
    return {}


@pytest.fixture(params=SCENES)
def scene(request, begin, bundles, monkeypatch, points):
    """A prepared line, to be copied for each cut; what is cut; at how many places."""
    prepare, act = SCENES[request.param]
    line = begin()
    line.folder.mkdir()
    prepare(line, bundles)
    prepared = line.folder.with_name("prepared")
    shutil.copytree(line.folder, prepared)

    def again():
        shutil.rmtree(line.folder)
        shutil.copytree(prepared, line.folder)

    with monkeypatch.context() as patched:
        counted = Disk(patched)
        act(line, bundles)
    points[request.param] = counted.count
    return line, lambda: act(line, bundles), again, counted.count


@pytest.mark.parametrize("how", HOW)
def test_after_a_cut_the_station_has_one_whole_bundle(scene, how, bundles, monkeypatch):
    line, act, again, count = scene
    after, power = HOW[how]
    known = {(path / "manifest.json").read_bytes() for path in bundles}
    for point in range(1, count + 1):
        again()
        with monkeypatch.context() as patched:
            Disk(patched, point, after=after, power=power)
            with pytest.raises(Cut):
                act()
        active = bundle_of(line.station[0], line.folder)
        require_whole(open_bundle(active))
        assert (active / "manifest.json").read_bytes() in known, point
    deployed(line, bundles[3])  # what is left is not in the way of the next
    assert len(list((line.folder / "bundles" / "a" / "staging").iterdir())) == 0


def test_there_are_at_least_two_hundred_cuts(points):
    if len(points) < len(SCENES):
        pytest.skip("the tests above did not all run in this process")
    assert sum(points.values()) * len(HOW) >= LEAST


def test_without_its_syncs_a_deployment_would_not_outlive_a_cut(begin, bundles, monkeypatch):
    """So the tests above would see one that is missing."""
    line = begin()
    deployed(line, bundles[1])
    cut = Disk(monkeypatch, power=True, syncs=False)
    deployed(line, bundles[2])
    active = bundle_of(line.station[0], line.folder)
    cut.lose()
    with pytest.raises((BundleError, ConfigError)):
        require_whole(open_bundle(active))
