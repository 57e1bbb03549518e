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
MAX_PENDING: Final = 4096
MAX_PENDING_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """Messages of one bundle: `at_s` on the monotonic clock, `serial` keeps their order."""

    at_s: float
    serial: int
    peer: OscPeer = field(compare=False)
    messages: tuple[Message, ...] = field(compare=False)
    size_bytes: int = field(compare=False)


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
        self, at_s: float, peer: OscPeer, messages: tuple[Message, ...], size_bytes: int
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
        heapq.heappush(self._heap, Due(at_s, next(self._serials), peer, messages, size_bytes))
        self._messages += len(messages)
        self._bytes += size_bytes

    def pop_due(self, now_s: float) -> Due | None:
        """Take the earliest bundle whose time has come."""
        if not self._heap or self._heap[0].at_s > now_s:
            return None
        due = heapq.heappop(self._heap)
        self._messages -= len(due.messages)
        self._bytes -= due.size_bytes
        return due

    def next_s(self) -> float | None:
        """Time of the earliest bundle, None when nothing waits."""
        return self._heap[0].at_s if self._heap else None

    def clear(self) -> None:
        """Forget everything that waits."""
        self._heap.clear()
        self._messages = 0
        self._bytes = 0
