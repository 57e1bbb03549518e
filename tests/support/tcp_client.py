"""A TCP client for tests of the OSC door, in either framing."""

from __future__ import annotations

import socket
import struct
from collections import deque

from bridge.osc_framing import LengthPrefix, Slip
from tests.support.osc_client import WATCHDOG_S, Answer, OscClient


class TcpClient(OscClient):
    """`OscClient` over TCP; `slip` chooses the framing."""

    def __init__(self, port: int, *, slip: bool) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WATCHDOG_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._slip = slip
        self._framing = Slip() if slip else LengthPrefix()
        self._packets: list[bytes] = []
        self._waiting: deque[Answer] = deque()

    def send_raw(self, data: bytes) -> None:
        """Send one packet, framed without the code under test."""
        if self._slip:
            body = data.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
            self.socket.sendall(b"\xc0" + body + b"\xc0")
        else:
            self.socket.sendall(struct.pack(">I", len(data)) + data)

    def receive_packet(self) -> bytes:
        """The next packet; fails the test when none comes before the watchdog."""
        while not self._packets:
            data = self.socket.recv(65_536)
            assert data, "the server closed the connection"
            self._packets += self._framing.feed(data)
        return self._packets.pop(0)
