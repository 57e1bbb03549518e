"""The UDP socket of the OSC door."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import sys
from typing import Final

from bridge.net_access import AccessList
from bridge.osc_backlog import Backlog
from bridge.osc_call import OscPeer

_log = logging.getLogger("driftwave.osc")

RECEIVE_BUFFER_BYTES: Final = 4 << 20
SEND_BUFFER_BYTES: Final = 1 << 20
_SO_RCVBUFFORCE: Final = 33 if sys.platform == "linux" else socket.SO_RCVBUF
"""Not in the socket module. Passes net.core.rmem_max, for root only."""
_MAX_DATAGRAM_BYTES: Final = 65_535
_READS_PER_TURN: Final = 512
_SEND_WAIT_S: Final = 0.05


class UdpDoor:
    """A bound socket.

    Args:
        host, port: address to bind.
        access: which senders are let in.

    Raises:
        OSError, OverflowError: when the port cannot be had.
    """

    def __init__(self, host: str, port: int, access: AccessList) -> None:
        self.refused = 0
        self._access = access
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            _enlarge_buffers(self.socket)
            self.socket.bind((host, port))
        except (OSError, OverflowError):
            self.socket.close()
            raise
        self.socket.setblocking(False)

    @property
    def port(self) -> int:
        """The port that was bound."""
        return int(self.socket.getsockname()[1])

    @property
    def receive_buffer_bytes(self) -> int:
        """What the kernel granted."""
        return self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def drain(self, backlog: Backlog) -> None:
        """Move what the kernel holds to the backlog. [receive thread]"""
        for _ in range(_READS_PER_TURN):
            if backlog.full:
                return
            try:
                data, (host, port) = self.socket.recvfrom(_MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                # Windows reports a vanished receiver of an earlier answer here.
                _log.debug("receive: %s", error)
                return
            if port == 0 or not self._access.admits(host):
                self.refused += 1
                continue
            backlog.push(data, OscPeer(host, port))

    def transmit(self, peer: OscPeer, data: bytes) -> bool:
        """Send one datagram; waits a moment when the send buffer is full. [any]"""
        for attempt in (0, 1):
            try:
                self.socket.sendto(data, (peer.host, peer.port))
                return True
            except BlockingIOError:
                if attempt == 0:
                    _wait_writable(self.socket)
            except OSError as error:
                _log.debug("send to %s: %s", peer, error)
                break
        return False


def _wait_writable(sock: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        selector.select(_SEND_WAIT_S)


def _enlarge_buffers(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
    except OSError:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
