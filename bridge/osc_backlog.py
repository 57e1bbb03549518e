"""Packets that were read and wait to be run.

The kernel's buffer is small without root (about 270 packets on Linux), and a burst arrives
faster than its messages can be run; so the socket is emptied into this first. Streams (TCP and
WebSocket) can be made to wait and so leave most of the room to UDP, which cannot.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from bridge.osc_call import OscPeer

MAX_PACKETS: Final = 50_000
MAX_BYTES: Final = 32 << 20
STREAM_PACKETS: Final = 10_000
STREAM_BYTES: Final = 8 << 20


class Backlog:
    """A bounded queue of packets. [any]"""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._packets: deque[tuple[bytes, OscPeer]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        """Packets that wait."""
        return len(self._packets)

    @property
    def full(self) -> bool:
        """True when nothing more may be read; the kernel's buffer then fills and drops."""
        return len(self._packets) >= MAX_PACKETS or self._bytes >= MAX_BYTES

    @property
    def full_for_streams(self) -> bool:
        """True when streams have to wait."""
        return len(self._packets) >= STREAM_PACKETS or self._bytes >= STREAM_BYTES

    def push(self, data: bytes, peer: OscPeer) -> None:
        """Add the newest packet."""
        with self._lock:
            self._packets.append((data, peer))
            self._bytes += len(data)

    def pop(self) -> tuple[bytes, OscPeer]:
        """Take the oldest packet; there must be one."""
        with self._lock:
            data, peer = self._packets.popleft()
            self._bytes -= len(data)
        return data, peer
