"""The address by which other machines of the local network reach this one."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from typing import Final

_SIOCGIFADDR: Final = 0x8915
_IFREQ_BYTES: Final = 256


def lan_address() -> str:
    """An IPv4 address of this machine, "" when it has none but loopback. Sends nothing.

    That of the default route; in a network that leads nowhere else, as on many stages, that of
    the first interface that has one.
    """
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Choosing a route is all that connecting a datagram socket does.
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return next(iter(_interface_addresses()), "")


def _interface_addresses() -> list[str]:
    if sys.platform != "linux":
        return []
    import fcntl

    found: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _index, name in socket.if_nameindex():
            request = struct.pack(f"{_IFREQ_BYTES}s", name.encode()[:15])
            with contextlib.suppress(OSError):  # an interface without an IPv4 address
                answer = fcntl.ioctl(sock.fileno(), _SIOCGIFADDR, request)
                found.append(socket.inet_ntoa(answer[20:24]))
    return [address for address in found if not address.startswith("127.")]
