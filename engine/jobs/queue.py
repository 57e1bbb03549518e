"""The waiting line: priorities, a bound, and a fair turn for every origin."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from enum import IntEnum
from typing import Generic, Protocol, TypeVar

from engine.errors import Busy

CAPACITY = 10_000
"""Most jobs that may wait at once."""

RESERVED_PLACES = 1_000
"""Places kept free for origins that have few jobs waiting."""

FEW_JOBS = 50
"""An origin with fewer waiting jobs than this may use the reserved places."""

SOURCE_BYTES = 256 * 2**20
"""Most memory that the source sounds of waiting jobs may take together."""


class Priority(IntEnum):
    """Who goes first: a sound being played, a musician waiting, the endless stream, or a batch."""

    LIVE = 0
    INTERACTIVE = 1
    STREAM = 2
    BATCH = 3


class Waiting(Protocol):
    """What the queue needs to know about a job."""

    @property
    def origin(self) -> str: ...
    @property
    def priority(self) -> Priority: ...
    @property
    def source_bytes(self) -> int: ...


T = TypeVar("T", bound=Waiting)


class JobQueue(Generic[T]):
    """A bounded queue from any thread to one worker thread.

    Higher priority first; inside a priority the origins take turns, and each origin's jobs
    keep their order. One flooding origin can fill all but `reserved` places, never those.
    Errands (loading a voice, for example) go before every job.
    """

    def __init__(self, capacity: int = CAPACITY, reserved: int = RESERVED_PLACES) -> None:
        self._capacity = capacity
        self._reserved = min(reserved, capacity // 2)
        self._changed = threading.Condition()
        self._lanes: dict[Priority, OrderedDict[str, OrderedDict[int, T]]] = {
            priority: OrderedDict() for priority in Priority
        }
        self._errands: deque[Callable[[], None]] = deque()
        self._by_origin: dict[str, int] = {}
        self._admitted = 0
        self._source_bytes = 0
        self._closed = False

    def __len__(self) -> int:
        with self._changed:
            return self._admitted

    def admit(self, job: T) -> int:
        """Take a place for a new job and return how many jobs go before it.

        Follow with `put`. Raises Busy when the queue is full for this origin.
        """
        with self._changed:
            held = self._by_origin.get(job.origin, 0)
            places = self._capacity - (self._reserved if held >= FEW_JOBS else 0)
            if self._admitted >= places:
                raise Busy(
                    f"{self._admitted} jobs are waiting, {held} of them yours; the queue holds "
                    f"{self._capacity}: wait for some to finish or cancel them, then try again"
                )
            if job.source_bytes and self._source_bytes + job.source_bytes > SOURCE_BYTES:
                raise Busy(
                    f"the source sounds of waiting jobs take {self._source_bytes >> 20} MiB of "
                    f"{SOURCE_BYTES >> 20} MiB: wait for some to finish, then try again"
                )
            self._admitted += 1
            self._by_origin[job.origin] = held + 1
            self._source_bytes += job.source_bytes
            return self._position(job, held)

    def put(self, job: T) -> None:
        """Queue an admitted job behind its origin's others."""
        with self._changed:
            self._lanes[job.priority].setdefault(job.origin, OrderedDict())[id(job)] = job
            self._changed.notify()

    def put_back(self, job: T) -> None:
        """Return a job that has more to do: first of its origin, which waits its next turn."""
        with self._changed:
            line = self._lanes[job.priority].setdefault(job.origin, OrderedDict())
            line[id(job)] = job
            line.move_to_end(id(job), last=False)
            self._changed.notify()

    def put_errand(self, errand: Callable[[], None]) -> None:
        """Have the worker call `errand` before its next job."""
        with self._changed:
            self._errands.append(errand)
            self._changed.notify()

    def remove(self, job: T) -> bool:
        """Take a waiting job out, giving up its place; False when it is not waiting."""
        with self._changed:
            line = self._lanes[job.priority].get(job.origin)
            if line is None or line.pop(id(job), None) is None:
                return False
            if not line:
                del self._lanes[job.priority][job.origin]
            self._release(job)
            return True

    def release(self, job: T) -> None:
        """Give up the place of a job that `take` returned and that is finished."""
        with self._changed:
            self._release(job)

    def take(self) -> T | Callable[[], None] | None:
        """Wait for the next errand or job; None once closed and empty. [worker thread]"""
        with self._changed:
            while True:
                if self._errands:
                    return self._errands.popleft()
                job = self._next()
                if job is not None:
                    return job
                if self._closed:
                    return None
                self._changed.wait()

    def idle(self) -> bool:
        """Whether nothing waits."""
        with self._changed:
            return not self._errands and not any(self._lanes.values())

    def drain(self) -> list[T]:
        """Take every waiting job out at once, giving up their places."""
        with self._changed:
            jobs = [
                job
                for lane in self._lanes.values()
                for line in lane.values()
                for job in line.values()
            ]
            for lane in self._lanes.values():
                lane.clear()
            for job in jobs:
                self._release(job)
            return jobs

    def close(self) -> None:
        """Let the worker end when nothing waits any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _next(self) -> T | None:
        for lane in self._lanes.values():
            if lane:
                origin, line = next(iter(lane.items()))
                _, job = line.popitem(last=False)
                lane.move_to_end(origin)
                if not line:
                    del lane[origin]
                return job
        return None

    def _release(self, job: T) -> None:
        self._admitted -= 1
        self._source_bytes -= job.source_bytes
        left = self._by_origin[job.origin] - 1
        if left:
            self._by_origin[job.origin] = left
        else:
            del self._by_origin[job.origin]

    def _position(self, job: T, held: int) -> int:
        """Jobs before a new one: an estimate, as later ones of higher priority overtake it."""
        before = 0
        for priority, lane in self._lanes.items():
            if priority < job.priority:
                before += sum(map(len, lane.values()))
            elif priority == job.priority:
                before += sum(min(len(line), held + 1) for line in lane.values())
        return before
