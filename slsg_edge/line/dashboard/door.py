"""What the dashboard may ask of the line that it shows."""

from collections.abc import Collection
from typing import Literal, Protocol, TypeAlias

from slsg_edge.bundle.folder import Bundle
from slsg_edge.line.outbox.entries import Event, Stored
from slsg_edge.line.service.status import LineStatus
from slsg_edge.line.settings.line import LineSettings

Label: TypeAlias = Literal["good", "bad"]


class Verdicts(Protocol):
    """The outbox, as far as a page needs it."""

    @property
    def trouble(self) -> str | None: ...

    @property
    def last_position(self) -> int: ...

    def after(
        self, position: int, limit: int, stations: Collection[str] | None = None
    ) -> list[Stored]: ...

    def events(
        self, start: float = 0.0, end: float | None = None, limit: int = 1000
    ) -> list[Event]: ...

    def label(self, verdict_id: str, label: Label | None, by: str) -> None: ...

    def labels(self) -> dict[str, str]: ...

    def rejects(self, limit: int, before: int | None = None) -> list[Stored]: ...

    def find(self, verdict_id: str) -> Stored | None: ...


class Door(Protocol):
    """The line itself. Called from several threads at once; each call returns soon."""

    def status(self) -> LineStatus: ...

    def outbox(self) -> Verdicts: ...

    def bundle(self, station: str) -> Bundle:
        """As the station runs it, with the station's own region of interest."""

    def set_threshold(self, station: str, value: float, by: str, why: str) -> None:
        """Commits it to the bundle and loads the station anew; SlsgError where that fails.

        An undecided band stays where it begins, or begins at `value` where that is lower.
        """

    def settings(self) -> LineSettings: ...
