"""Work that is too slow for a receive thread, done in order on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from bridge.osc_call import OscCall
from bridge.osc_spec import CODES
from engine.jobs.job import as_driftwave_error


class SlowWork:
    """One thread that does one thing after another. Any thread may call any method."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)

    def close(self) -> None:
        """End what is being done; what waits is dropped."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def later(self, call: OscCall, work: Callable[[], None]) -> None:
        """Do `work`; whatever it raises is the answer to `call`."""

        def run() -> None:
            try:
                work()
            except Exception as error:
                code = getattr(error, "code", None)  # of another package's errors too
                if isinstance(code, str) and code in CODES:
                    call.fail(code, str(error))
                    return
                known = as_driftwave_error(error)
                call.fail(known.code, str(known))

        self._thread.submit(run)


class Cancellable(Protocol):
    """Work that waits or is being done, as `call.token` knows it."""

    def cancel(self) -> bool:
        """End it soon; False when that was asked for before. [any]"""


class CancellableWork(SlowWork):
    """SlowWork that tells how much waits before it, and that can be cancelled."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._lock = threading.Lock()
        self._pending: list[Cancellable] = []

    def close(self) -> None:
        """Cancel everything and end the thread."""
        self.cancel_all()
        super().close()

    def cancel_all(self) -> int:
        """Cancel everything; returns how many."""
        with self._lock:
            pending = list(self._pending)
        return sum(one.cancel() for one in pending)

    def queue(
        self, call: OscCall, pending: Cancellable, work: Callable[[], Callable[[], None]]
    ) -> None:
        """Do `work` in its turn; what it returns answers, once it is out of the queue."""
        call.token = pending
        with self._lock:
            ahead = len(self._pending)
            self._pending.append(pending)
        call.queued(ahead)

        def run() -> None:
            try:
                answer = work()
            finally:
                with self._lock:
                    self._pending.remove(pending)
            answer()

        self.later(call, run)
