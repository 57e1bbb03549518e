"""Make the next batches in background threads while the device works on this one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from engine.frameworks import Batch


@contextmanager
def prefetched(
    make: Callable[[int], Batch], first: int, workers: int
) -> Iterator[Callable[[], Batch]]:
    """Give a function that returns batches ``first``, ``first + 1``, ... in order.

    With workers = 0 each batch is made when it is asked for. Batches depend on their number
    alone, so how many threads make them changes nothing.
    """
    step = first
    if workers == 0:

        def direct() -> Batch:
            nonlocal step
            step += 1
            return make(step - 1)

        yield direct
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="batch") as pool:
        waiting: deque[Future[Batch]] = deque()

        def ahead() -> Batch:
            nonlocal step
            while len(waiting) <= workers:
                waiting.append(pool.submit(make, step))
                step += 1
            return waiting.popleft().result()

        try:
            yield ahead
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
