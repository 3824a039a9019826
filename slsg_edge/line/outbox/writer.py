"""The thread that stores what waits: everything at once in one transaction, as soon as it can.

While the disk takes nothing, verdicts wait in memory and go out as not durable.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import islice

from slsg_edge.line.outbox.ballast import Ballast
from slsg_edge.line.outbox.database import is_damage
from slsg_edge.line.outbox.state import Entry, State
from slsg_edge.line.outbox.store import Store
from slsg_edge.line.outbox.telling import HangWatch, Teller

_AT_ONCE = 1000  # entries of one transaction
_TICK = 1.0  # seconds until positions of sinks are written where nothing else is
_AGAIN = 0.5  # seconds until what failed is tried again
_TOLD_EVERY = 60.0
_BALLAST_EVERY = 30.0


class Writer(threading.Thread):
    """Ends when the state is closed.

    said_of: an error as a sentence. event: told the state of the disk in a word, and a sentence.
    """

    def __init__(
        self,
        store: Store,
        state: State,
        ballast: Ballast,
        said_of: Callable[[Exception], str],
        event: Callable[[str, str], None],
        teller: Teller,
    ) -> None:
        super().__init__(name="outbox", daemon=True)
        self._store, self._state, self._ballast = store, state, ballast
        self._said_of, self._event, self._teller = said_of, event, teller
        self.suspected = False
        self._again_at = self._told_at = self._noted_at = 0.0
        self._ballast_at = -_BALLAST_EVERY
        HangWatch(state, self._hangs).start()

    def run(self) -> None:
        while self._waited():
            try:
                self._work()
            except Exception as error:  # whatever it is, storing goes on
                self._failed(error)
            self._state.begun = None
        with suppress(Exception):
            self._store.write(())
        self._store.close()

    def _waited(self) -> bool:
        """False at the end."""
        state = self._state
        with state.changed:
            pause = _AGAIN if state.trouble else _TICK
            state.changed.wait_for(lambda: state.fresh or state.closed, pause)
            state.fresh = False
            return not state.closed

    def _work(self) -> None:
        if self._state.trouble and time.monotonic() < self._again_at:
            self._teller.tell_undurable()
            return
        self._state.begun = time.monotonic()
        self._mend()
        batch = self._batch()
        while batch:
            self._teller.settle(batch, self._store.write(batch))
            batch = self._batch()
        self._note_sinks()
        self._recovered()
        self._store.clear_log(busy=bool(self._state.waiting))
        self._refill()

    def _batch(self) -> list[Entry]:
        self._state.begun = time.monotonic()
        with self._state.changed:
            return list(islice(self._state.waiting, _AT_ONCE))

    def _note_sinks(self) -> None:
        """Not after each verdict, which would cost as much as the verdict itself."""
        now = time.monotonic()
        if now - self._noted_at < _TICK and not self._state.trouble:
            return
        self._noted_at = now
        if self._state.sinks_to_write(self._state.durable):
            self._store.write(())

    def _mend(self) -> None:
        suspected, self.suspected = self.suspected, False
        self._store.mend(suspected)

    def _failed(self, error: Exception) -> None:
        if is_damage(error):
            with suppress(Exception):
                self._store.renew(str(error))
                self._wake()
                return
        elif _is_full(error) and self._ballast.give_up():
            self._event("full", f"{self._said_of(error)} The last reserve is in use.")
            self._wake()
            return
        self._again_at = time.monotonic() + _AGAIN
        self._trouble(self._said_of(error))
        self._teller.tell_undurable()

    def _wake(self) -> None:
        """So that what failed is tried again at once."""
        self._again_at = 0.0
        with self._state.changed:
            self._state.fresh = True

    def _trouble(self, said: str) -> None:
        before, self._state.trouble = self._state.trouble, said
        if before is None or time.monotonic() - self._told_at > _TOLD_EVERY:
            self._told_at = time.monotonic()
            self._event(
                "failing",
                f"{said} Verdicts go on; {len(self._state.waiting)} wait in memory until they can "
                "be stored.",
            )

    def _recovered(self) -> None:
        if self._state.trouble is None:
            return
        lost = self._teller.recovered()
        gone = f"{lost} verdicts were lost meanwhile." if lost else "None was lost."
        self._event("ok", f"Verdicts are stored again. {gone}")

    def _hangs(self) -> None:
        """In another thread, while this one waits for the disk."""
        self._trouble("The disk does not answer. Check it, and whatever else uses it.")
        self._teller.tell_undurable()

    def _refill(self) -> None:
        now = time.monotonic()
        if now - self._ballast_at > _BALLAST_EVERY:
            self._ballast_at = now
            self._ballast.take()


def _is_full(error: Exception) -> bool:
    return any(words in str(error) for words in ("is full", "I/O error", "unable to open"))
