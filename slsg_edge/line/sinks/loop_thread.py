"""A thread that runs what is written for asyncio, as servers that a PLC connects to."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as Late
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
_JOIN = 1.0  # seconds


class LoopThread:
    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """What the coroutine gives or raises; TimeoutError (an OSError) when it takes longer."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        except Late as error:
            future.cancel()
            raise TimeoutError("it took too long") from error

    def close(self) -> None:
        """Ends what still runs in it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_JOIN)

    def _run(self) -> None:
        self._loop.run_forever()
        with suppress(RuntimeError, asyncio.TimeoutError):
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            gathered = asyncio.gather(*tasks, return_exceptions=True)
            self._loop.run_until_complete(asyncio.wait_for(_of(gathered), _JOIN / 2))
        self._loop.close()


async def _of(gathered: Any) -> None:
    await gathered
