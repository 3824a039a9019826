"""Brings stored verdicts to the sinks: each at its own pace, and each fails alone."""

import threading
import time
from collections.abc import Callable, Collection

from slsg_edge.line.outbox.couriers import DisplayCourier, JournalCourier
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.outbox.standing import Standing
from slsg_edge.line.service.status import SinkStatus
from slsg_edge.line.sinks.destinations import Display, Journal

_CLOSING = 3.0  # seconds for all sinks together


class Delivery:
    """alive: whether the line truly processes; while it does not, no PLC gets a heartbeat."""

    def __init__(self, outbox: Outbox, warn: Callable[[str], None]) -> None:
        self.alive: Callable[[], bool] = lambda: True
        self._outbox, self._warn = outbox, warn
        self._couriers: tuple[JournalCourier | DisplayCourier, ...] = ()
        outbox.subscribe(self._told)

    def add_journal(
        self, journal: Journal, kind: str, stations: Collection[str] | None = None
    ) -> None:
        """It goes on where it was; one that is new gets the verdicts from now on."""
        standing = Standing(journal.name, kind, self._outbox, self._warn)
        courier = JournalCourier(journal, self._outbox, stations, standing)
        self._couriers = (*self._couriers, courier)

    def add_display(
        self, display: Display, kind: str, stations: Collection[str] | None = None
    ) -> None:
        standing = Standing(display.name, kind, self._outbox, self._warn)
        courier = DisplayCourier(display, stations, standing, lambda: self.alive())
        self._couriers = (*self._couriers, courier)

    def statuses(self) -> tuple[SinkStatus, ...]:
        return tuple(courier.status() for courier in self._couriers)

    def drain(self, timeout: float) -> None:
        """Until each has what there is now; one that fails is not waited for."""
        deadline = time.monotonic() + timeout
        for courier in self._couriers:
            courier.drain(deadline)

    def close(self) -> None:
        """All at the same time; one that hangs ends with the process."""
        closing = [threading.Thread(target=one.close, daemon=True) for one in self._couriers]
        for thread in closing:
            thread.start()
        deadline = time.monotonic() + _CLOSING
        for thread in closing:
            thread.join(max(deadline - time.monotonic(), 0))
        self._couriers = ()

    def _told(self, stored: Stored) -> None:
        for courier in self._couriers:
            courier.told(stored)
