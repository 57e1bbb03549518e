"""The book of calls that are still open: job ids, duplicates, cancel targets and sync."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.osc_call import OscCall, OscPeer
from bridge.osc_spec import OscFault

MAX_OPEN_CALLS: Final = 20_000
MAX_SYNCS: Final = 1_000
FIRST_SERVER_JOB: Final = 1_000_000_000
"""Server-made job ids begin here, far from those that people choose."""
_LAST_SERVER_JOB: Final = 2**31 - 1


@dataclass(slots=True)
class _Sync:
    peer: OscPeer
    waiting: set[int]
    answer: Callable[[], None]


class CallBook:
    """Open calls by serial and by (sender, job). Every method: [any] thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[int, OscCall] = {}
        self._jobs: dict[tuple[OscPeer, int], OscCall] = {}
        self._server_jobs: dict[int, OscCall] = {}
        self._syncs: list[_Sync] = []
        self._next_job = FIRST_SERVER_JOB

    def __len__(self) -> int:
        """Open calls."""
        return len(self._calls)

    def enter(self, call: OscCall) -> None:
        """Add a call; a job call with job -1 gets an id of the server's.

        Raises:
            OscFault: busy when too many calls are open, bad_range when the sender's job id is
                still at work.
        """
        with self._lock:
            if len(self._calls) >= MAX_OPEN_CALLS:
                raise OscFault(
                    "busy",
                    f"{call.command}: {len(self._calls)} requests are open; "
                    "wait for /drift/done or cancel some",
                )
            if call.method.job:
                self._enter_job(call)
            self._calls[call.serial] = call

    def free_job(self, call: OscCall) -> None:
        """Make the job id of `call` free, so that its sender can use it on seeing the answer."""
        with self._lock:
            if self._jobs.get((call.peer, call.job)) is call:
                del self._jobs[call.peer, call.job]
            if self._server_jobs.get(call.job) is call:
                del self._server_jobs[call.job]

    def leave(self, call: OscCall) -> None:
        """Remove an answered call and answer the syncs that waited only for it."""
        ready: list[_Sync] = []
        with self._lock:
            if self._calls.pop(call.serial, None) is None:
                return
            for sync in self._syncs:
                if sync.peer == call.peer:
                    sync.waiting.discard(call.serial)
                    if not sync.waiting:
                        ready.append(sync)
            if ready:
                self._syncs = [sync for sync in self._syncs if sync.waiting]
        for sync in ready:
            sync.answer()

    def find(self, peer: OscPeer, job: int) -> tuple[OscCall, ...]:
        """The open call `job` of `peer`, else the one that has this server-made id."""
        with self._lock:
            call = self._jobs.get((peer, job)) or self._server_jobs.get(job)
        return (call,) if call is not None else ()

    def sync(self, own: OscCall, answer: Callable[[], None]) -> None:
        """Call `answer` once every other open call of the sender of `own` is answered.

        Raises:
            OscFault: busy when too many syncs wait.
        """
        with self._lock:
            waiting = {
                call.serial
                for call in self._calls.values()
                if call.peer == own.peer and call.serial < own.serial and call.command != "sync"
            }
            if waiting:
                if len(self._syncs) >= MAX_SYNCS:
                    raise OscFault("busy", f"sync: {MAX_SYNCS} syncs wait; wait for /drift/synced")
                self._syncs.append(_Sync(own.peer, waiting, answer))
                return
        answer()

    def _enter_job(self, call: OscCall) -> None:
        if call.job == -1:
            while self._next_job in self._server_jobs or (call.peer, self._next_job) in self._jobs:
                self._advance()
            call.job = self._next_job
            self._advance()
            self._server_jobs[call.job] = call
        elif (call.peer, call.job) in self._jobs:
            raise OscFault(
                "bad_range",
                f"{call.command}: job {call.job} is still at work; "
                "choose another id, or -1 for the server's",
            )
        self._jobs[call.peer, call.job] = call

    def _advance(self) -> None:
        at_end = self._next_job >= _LAST_SERVER_JOB
        self._next_job = FIRST_SERVER_JOB if at_end else self._next_job + 1
