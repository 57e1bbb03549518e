"""Work that is too slow for a receive thread, done in order on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

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
