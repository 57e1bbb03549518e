"""Messages that wait for the time of their bundle, on a heap that the receive thread runs."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import Final

from bridge.osc_call import OscPeer
from bridge.osc_packet import Message
from bridge.osc_spec import OscFault

MAX_FUTURE_S: Final = 10.0
AHEAD_S: Final = 0.06
"""So early what is timed is handed on: more than a block of 2048 frames at 44.1 kHz."""
MAX_PENDING: Final = 4096
MAX_PENDING_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """Messages of one bundle: `at_s` on the monotonic clock, `serial` keeps their order.

    timed: whoever gets them does them at `at_s`, and wants them AHEAD_S before it.
    """

    at_s: float
    serial: int
    peer: OscPeer = field(compare=False)
    messages: tuple[Message, ...] = field(compare=False)
    size_bytes: int = field(compare=False)
    timed: bool = field(compare=False)

    @property
    def hand_on_s(self) -> float:
        """When its messages run, once nothing before it waits."""
        return self.at_s - AHEAD_S if self.timed else self.at_s


class Schedule:
    """A bounded heap of bundles. Used by the receive thread only."""

    def __init__(self) -> None:
        self._heap: list[Due] = []
        self._serials = itertools.count()
        self._messages = 0
        self._bytes = 0

    def __len__(self) -> int:
        """Messages that wait."""
        return self._messages

    def add(
        self,
        at_s: float,
        peer: OscPeer,
        messages: tuple[Message, ...],
        size_bytes: int,
        *,
        timed: bool = False,
    ) -> None:
        """Keep `messages` until `at_s`; `size_bytes` bounds what they hold in memory.

        Raises:
            OscFault: busy when too many messages or bytes wait already.
        """
        if (
            self._messages + len(messages) > MAX_PENDING
            or self._bytes + size_bytes > MAX_PENDING_BYTES
        ):
            raise OscFault(
                "busy",
                f"{self._messages} messages wait for their time; expected {MAX_PENDING} at most; "
                "send bundles later or /drift/panic",
            )
        due = Due(at_s, next(self._serials), peer, messages, size_bytes, timed)
        heapq.heappush(self._heap, due)
        self._messages += len(messages)
        self._bytes += size_bytes

    def pop_due(self, now_s: float) -> Due | None:
        """Take the earliest bundle, if its time has come."""
        if not self._heap or self._heap[0].hand_on_s > now_s:
            return None
        due = heapq.heappop(self._heap)
        self._messages -= len(due.messages)
        self._bytes -= due.size_bytes
        return due

    def next_s(self) -> float | None:
        """When the earliest bundle runs, None when nothing waits."""
        return self._heap[0].hand_on_s if self._heap else None

    def clear(self) -> None:
        """Forget everything that waits."""
        self._heap.clear()
        self._messages = 0
        self._bytes = 0
