"""The TCP side of the OSC door: many connections on the receive thread, none of which waits.

What a client does not read is queued up to a limit; then the client is disconnected and the log
says so. What a client sends faster than it can be run stays in the kernel, which slows it down.
"""

from __future__ import annotations

import logging
import selectors
import socket
import sys
import threading
from collections.abc import Callable
from typing import Final

from bridge.net_access import AccessList
from bridge.osc_backlog import Backlog
from bridge.osc_call import OscPeer
from bridge.osc_framing import Framing, FramingError, recognise
from bridge.osc_packet import build_message

_log = logging.getLogger("driftwave.osc")

MAX_CONNECTIONS: Final = 64
MAX_QUEUED_BYTES: Final = 1 << 20
_READ_BYTES: Final = 65_536
_SEND_BUFFER_BYTES: Final = 1 << 18
_ACCEPTS_PER_TURN: Final = 16
_FAIL: Final = "/drift/fail"


class TcpDoor:
    """A listening socket and its connections.

    Args:
        host, port: address to listen on.
        access: which clients are let in.
        wake: makes the receive thread look at `turn`. [any]
        forget: told of each peer that is gone.

    Raises:
        OSError, OverflowError: when the port cannot be had.
    """

    def __init__(
        self,
        host: str,
        port: int,
        access: AccessList,
        *,
        wake: Callable[[], None],
        forget: Callable[[OscPeer], None],
    ) -> None:
        self._access = access
        self._wake = wake
        self._forget = forget
        self._connections: dict[OscPeer, _Connection] = {}
        self._selector: selectors.BaseSelector | None = None
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            # The port stays usable while connections of the engine before this one time out.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((host, port))
            self.socket.listen(MAX_CONNECTIONS)
        except (OSError, OverflowError):
            self.socket.close()
            raise
        self.socket.setblocking(False)

    def close(self) -> None:
        """Close every connection and the port. [receive thread, or none]"""
        for connection in tuple(self._connections.values()):
            self._end(connection)
        self.socket.close()

    def register(self, selector: selectors.BaseSelector) -> None:
        """Take part in the receive thread's waiting."""
        self._selector = selector
        selector.register(self.socket, selectors.EVENT_READ, self)

    def accept(self) -> None:
        """Take up new connections. [receive thread]"""
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                sock, (host, port) = self.socket.accept()
            except OSError:
                return
            full = len(self._connections) >= MAX_CONNECTIONS
            if full or not self._access.admits(host):
                if full:
                    _log.warning(
                        "tcp://%s:%d refused: %d are connected", host, port, MAX_CONNECTIONS
                    )
                sock.close()
                continue
            _prepare(sock)
            connection = _Connection(sock, OscPeer(host, port, "tcp"))
            self._connections[connection.peer] = connection
            assert self._selector is not None
            self._selector.register(sock, selectors.EVENT_READ, connection)

    def turn(self, ready: list[tuple[selectors.SelectorKey, int]], backlog: Backlog) -> None:
        """Read and write what is ready, as far as the backlog has room. [receive thread]"""
        for key, events in ready:
            if key.data is self:
                self.accept()
            elif isinstance(key.data, _Connection):
                if events & selectors.EVENT_WRITE:
                    key.data.flush()
                if events & selectors.EVENT_READ and not backlog.full_for_streams:
                    key.data.read(backlog)
        for connection in tuple(self._connections.values()):
            self._settle(connection, reading=not backlog.full_for_streams)

    def transmit(self, peer: OscPeer, data: bytes) -> bool:
        """Send one packet to a client, now or when it is ready; False when it is gone. [any]"""
        connection = self._connections.get(peer)
        if connection is None:
            return False
        sent = connection.send(data)
        if connection.needs_attention:
            self._wake()
        return sent

    def end(self, peer: OscPeer) -> None:
        """The last packet of a client that hung up was run. [receive thread]"""
        connection = self._connections.get(peer)
        if connection is not None:
            self._end(connection)

    def _settle(self, connection: _Connection, *, reading: bool) -> None:
        if connection.fault:
            _log.warning("%s is disconnected: %s", connection.peer, connection.fault)
        if connection.ended:
            self._end(connection)
            return
        reading = reading and not connection.hung_up
        wanted = (selectors.EVENT_READ if reading else 0) | (
            selectors.EVENT_WRITE if connection.waits_to_write else 0
        )
        if wanted != connection.events:
            assert self._selector is not None
            if connection.events == 0:
                self._selector.register(connection.socket, wanted, connection)
            elif wanted == 0:
                self._selector.unregister(connection.socket)
            else:
                self._selector.modify(connection.socket, wanted, connection)
            connection.events = wanted

    def _end(self, connection: _Connection) -> None:
        if self._selector is not None and connection.events:
            self._selector.unregister(connection.socket)
        self._connections.pop(connection.peer, None)
        connection.close()
        self._forget(connection.peer)


class _Connection:
    """One client. `read`, `flush` and `events` belong to the receive thread."""

    def __init__(self, sock: socket.socket, peer: OscPeer) -> None:
        self.socket = sock
        self.peer = peer
        self.events = selectors.EVENT_READ
        self.ended = False
        self.hung_up = False
        self.fault = ""
        self._framing: Framing | None = None
        self._lock = threading.Lock()
        self._queued = bytearray()

    @property
    def waits_to_write(self) -> bool:
        """Something is queued."""
        return bool(self._queued)

    @property
    def needs_attention(self) -> bool:
        """The receive thread has to change what it waits for."""
        return self.ended or (self.waits_to_write and not self.events & selectors.EVENT_WRITE)

    def read(self, backlog: Backlog) -> None:
        """Move complete packets to the backlog."""
        try:
            data = self.socket.recv(_READ_BYTES)
            if data and self._framing is None:
                self._framing = recognise(data[0])
            for packet in self._framing.feed(data) if self._framing is not None else ():
                backlog.push(packet, self.peer)
            if not data:
                # What it sent before is answered first; see `TcpDoor.end`.
                self.hung_up = True
                backlog.push(b"", self.peer)
        except BlockingIOError:
            pass
        except FramingError as error:
            self._say(str(error))
            self.fault = str(error)
            self.ended = True
        except OSError as error:
            _log.debug("%s: %s", self.peer, error)
            self.ended = True

    def send(self, packet: bytes) -> bool:
        """Send or queue one packet. [any]"""
        framing = self._framing
        if framing is None:
            return False
        with self._lock:
            if self.ended:
                return False
            if len(self._queued) > MAX_QUEUED_BYTES:
                self.fault = f"it reads too slowly, {len(self._queued)} bytes wait for it"
                self.ended = True
                return False
            self._queued += framing.frame(packet)
            self._write()
            return not self.ended

    def flush(self) -> None:
        """Send what is queued."""
        with self._lock:
            self._write()

    def close(self) -> None:
        """Close the socket; nothing is sent after."""
        with self._lock:
            self.ended = True
            self.socket.close()

    def _write(self) -> None:
        try:
            del self._queued[: self.socket.send(self._queued)]
        except BlockingIOError:
            pass
        except OSError as error:
            _log.debug("%s: %s", self.peer, error)
            self.ended = True

    def _say(self, message: str) -> None:
        """Tell a client that cannot be understood why it is disconnected."""
        if self._framing is not None:
            self.send(build_message(_FAIL, ("", -1, "bad_type", message)))


def _prepare(sock: socket.socket) -> None:
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        # A tablet that fell asleep is noticed within two minutes.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
