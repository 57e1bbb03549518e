"""Who may connect: this machine always, others only with `--lan`, and then by an allow list."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Sequence
from functools import lru_cache

_log = logging.getLogger("driftwave.net")

_REMEMBERED = 256


class AccessError(ValueError):
    """An entry of the allow list that is no address."""


class AccessList:
    """Decides by the address of a sender. [any]

    Args:
        lan: whether other machines may connect at all.
        allow: addresses and networks such as "192.168.1.20" or "192.168.1.0/24"; with none,
            every machine but those of the public internet.

    Raises:
        AccessError: for an entry that is neither.
    """

    def __init__(self, *, lan: bool = False, allow: Sequence[str] = ()) -> None:
        self.lan = lan
        self._networks = tuple(read_network(entry) for entry in allow)
        self._judged = lru_cache(maxsize=_REMEMBERED)(self._judge)

    def admits(self, host: str) -> bool:
        """True when a machine with this IPv4 address may connect."""
        return self._judged(host)

    def _judge(self, host: str) -> bool:
        address = ipaddress.IPv4Address(host)
        if address.is_loopback:
            return True
        if self._networks:
            admitted = self.lan and any(address in network for network in self._networks)
        else:
            admitted = self.lan and not address.is_global
        if not admitted:
            remedy = f"--allow {host} lets it in" if self.lan else "--lan lets other machines in"
            _log.warning("messages from %s are refused; %s", host, remedy)
        return admitted


def read_network(entry: str) -> ipaddress.IPv4Network:
    """One entry of an allow list.

    Raises:
        AccessError: when it is neither an IPv4 address nor a network.
    """
    try:
        return ipaddress.IPv4Network(entry.strip(), strict=False)
    except ValueError as error:
        raise AccessError(
            f"{entry!r} is no IPv4 address or network; expected one such as 192.168.1.20 "
            "or 192.168.1.0/24"
        ) from error
