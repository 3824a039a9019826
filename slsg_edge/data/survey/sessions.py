"""The acquisitions of the good images: how many there are, and of which days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from slsg_edge.contracts import GOOD
from slsg_edge.data.dataset import Dataset
from slsg_edge.data.names import printable
from slsg_edge.data.survey.finding import Finding


@dataclass(frozen=True, slots=True)
class Acquisition:
    """Good images that were taken together; `name` is empty where nobody knows.

    first, last: the days that the files are of; None where none is there.
    """

    name: str
    images: int
    first: date | None
    last: date | None

    @property
    def shown_name(self) -> str:
        """As text that can be printed, whatever bytes the name of a folder has."""
        return printable(self.name)

    @property
    def days(self) -> str:
        if self.first is None:
            return ""
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


def acquisitions_in(dataset: Dataset) -> tuple[Acquisition, ...]:
    """Of the good images of all splits, in the order in which they come."""
    found: dict[str, list[Path]] = {}
    for sample in dataset.samples:
        if sample.good:
            found.setdefault(sample.acquisition, []).append(sample.image)
    return tuple(_acquisition(name, images) for name, images in found.items())


def acquisition_findings(dataset: Dataset) -> list[Finding]:
    """A threshold is found from good images that are not of the test: those count."""
    known = {
        sample.acquisition for sample in dataset.samples if sample.good and sample.split != "test"
    }
    if len(known) != 1:
        return []
    fix = (
        f"Take some on another day, and put each day in a folder of its own, as in train/{GOOD}/"
        "monday: good images of one day say little about the next."
    )
    what = "All good images come from one session, as far as folders, lists and file times show"
    return [Finding("note", "one-acquisition", what, 1, (), fix)]


def _acquisition(name: str, images: Sequence[Path]) -> Acquisition:
    days = [day for image in images if (day := _day(image)) is not None]
    return Acquisition(name, len(images), min(days, default=None), max(days, default=None))


def _day(image: Path) -> date | None:
    try:
        return date.fromtimestamp(image.stat().st_mtime)
    except OSError:
        return None
