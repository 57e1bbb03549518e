"""How much one sender may cost: fails are limited, event subscriptions expire."""

from __future__ import annotations

import enum
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from bridge.osc_call import OscPeer
from bridge.osc_spec import OscFault

FAIL_BURST: Final = 200
FAILS_PER_S: Final = 50.0
MAX_SENDERS: Final = 256
LEASE_S: Final = 60.0
MAX_SUBSCRIBERS: Final = 64
MAX_LISTENED: Final = 2048
"""Addresses that one client may listen to."""


class Verdict(enum.Enum):
    """What to do with a fail."""

    SEND = "send"
    TELL = "tell"
    """Say `rate_limited` instead, once until fails are allowed again."""
    DROP = "drop"


class FailLimiter:
    """A token bucket for each sender: `FAIL_BURST` at once, then `FAILS_PER_S`.

    Senders are remembered least recently used first, so that forged addresses cost no memory.
    Used by the receive thread only.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: OrderedDict[OscPeer, tuple[float, float, bool]] = OrderedDict()

    def judge(self, peer: OscPeer) -> Verdict:
        """Take one token of `peer` and say what to do with the fail."""
        now = self._clock()
        tokens, then, told = self._buckets.pop(peer, (float(FAIL_BURST), now, False))
        tokens = min(float(FAIL_BURST), tokens + (now - then) * FAILS_PER_S)
        if tokens >= 1.0:
            verdict, tokens, told = Verdict.SEND, tokens - 1.0, told and tokens < FAILS_PER_S
        elif told:
            verdict = Verdict.DROP
        else:
            verdict, told = Verdict.TELL, True
        self._buckets[peer] = (tokens, now, told)
        if len(self._buckets) > MAX_SENDERS:
            self._buckets.popitem(last=False)
        return verdict


class Subscribers:
    """Who receives events. [any]

    A subscriber hears of everything until `LEASE_S` after its last message; a listener hears of
    the addresses that it named, for as long as it is connected (OSCQuery's LISTEN).
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[OscPeer, float] = {}
        self._listened: dict[OscPeer, set[str]] = {}

    def add(self, peer: OscPeer) -> None:
        """Begin or renew the lease of `peer`.

        Raises:
            OscFault: busy when `MAX_SUBSCRIBERS` others hold one.
        """
        with self._lock:
            self._expire()
            if peer not in self._until and len(self._until) >= MAX_SUBSCRIBERS:
                raise OscFault(
                    "busy",
                    f"notify: {MAX_SUBSCRIBERS} clients receive events already; "
                    "send notify 0 from one of them",
                )
            self._until[peer] = self._clock() + LEASE_S

    def remove(self, peer: OscPeer) -> None:
        """End the lease of `peer`, if it holds one."""
        with self._lock:
            self._until.pop(peer, None)

    def listen(self, peer: OscPeer, address: str) -> None:
        """Send `peer` what happens at `address`.

        Raises:
            OscFault: busy when it listens to `MAX_LISTENED` addresses.
        """
        with self._lock:
            addresses = self._listened.setdefault(peer, set())
            if len(addresses) >= MAX_LISTENED and address not in addresses:
                raise OscFault(
                    "busy", f"LISTEN: {MAX_LISTENED} addresses are listened to; IGNORE some"
                )
            addresses.add(address)

    def ignore(self, peer: OscPeer, address: str) -> None:
        """Send `peer` no more of what happens at `address`."""
        with self._lock:
            self._listened.get(peer, set()).discard(address)

    def forget(self, peer: OscPeer) -> None:
        """`peer` is gone."""
        with self._lock:
            self._until.pop(peer, None)
            self._listened.pop(peer, None)

    def audience(self, address: str) -> tuple[OscPeer, ...]:
        """Everyone who hears of what happens at `address`."""
        with self._lock:
            self._expire()
            listeners = [
                peer for peer, addresses in self._listened.items()
                if address in addresses and peer not in self._until
            ]  # fmt: skip
            return (*self._until, *listeners)

    def renew(self, peer: OscPeer) -> None:
        """`peer` sent something: prolong its lease, if it holds one that still runs."""
        if peer in self._until:
            with self._lock:
                self._expire()
                if peer in self._until:
                    self._until[peer] = self._clock() + LEASE_S

    def current(self) -> tuple[OscPeer, ...]:
        """Everyone whose lease runs."""
        with self._lock:
            self._expire()
            return tuple(self._until)

    def _expire(self) -> None:
        now = self._clock()
        for peer in [peer for peer, until in self._until.items() if until < now]:
            del self._until[peer]
