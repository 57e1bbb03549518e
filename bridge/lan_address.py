"""The address by which other machines of the local network reach this one."""

from __future__ import annotations

import contextlib
import socket


def lan_address() -> str:
    """An IPv4 address of this machine, "" when it has none but loopback. Sends nothing."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Choosing a route is all that connecting a datagram socket does.
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return ""
