"""Tells the local network where the engine is, so that controllers offer it by name.

Needs the package `zeroconf` (extra `zeroconf`); without it people type the address. Only what other
machines can reach is announced, so only with `--lan`. Source: RFC 6763.
"""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zeroconf import Zeroconf

_log = logging.getLogger("driftwave.net")

OSC_SERVICE: Final = "_osc._udp.local."
QUERY_SERVICE: Final = "_oscjson._tcp.local."


class Announcement:
    """An announcement on the interface that has `address`, until `close`.

    Making it takes a second or two, in which the network is asked whether the name is free.

    Args:
        name: of this engine, as people read it.
        address: IPv4 address of this machine.
        osc_port, web_port: where OSC and OSCQuery are.
    """

    def __init__(self, name: str, address: str, osc_port: int, web_port: int) -> None:
        self._zeroconf: Zeroconf | None = None
        try:
            from zeroconf import ServiceInfo, Zeroconf
        except ImportError:
            _log.info("not announced on the network: pip install 'driftwave[zeroconf]'")
            return
        infos = [
            ServiceInfo(
                service, f"{name}.{service}", port=port, addresses=[socket.inet_aton(address)]
            )
            for service, port in ((OSC_SERVICE, osc_port), (QUERY_SERVICE, web_port))
        ]
        try:
            self._zeroconf = Zeroconf(interfaces=[address])
            for info in infos:
                self._zeroconf.register_service(info, allow_name_change=True)
        except Exception as error:
            # A network without multicast is no reason not to play.
            _log.warning("not announced on the network: %s", error or type(error).__name__)
            self.close()

    def close(self) -> None:
        """Take the announcement back."""
        announced, self._zeroconf = self._zeroconf, None
        if announced is not None:
            announced.close()
