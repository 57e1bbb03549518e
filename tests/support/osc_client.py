"""A UDP client for tests of the OSC door."""

from __future__ import annotations

import socket
import struct
from collections import deque
from collections.abc import Sequence
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

WATCHDOG_S = 20.0
Answer = tuple[str, list[Any]]


def message(address: str, *args: Any, tags: str | None = None) -> bytes:
    """One OSC message; `tags` forces the types."""
    builder = OscMessageBuilder(address=address)
    for index, arg in enumerate(args):
        builder.add_arg(arg, None if tags is None else tags[index])
    return bytes(builder.build().dgram)


def bundle(timetag: int, *elements: bytes) -> bytes:
    """A bundle with a raw 64-bit NTP timetag (1: immediately)."""
    body = b"".join(struct.pack(">i", len(element)) + element for element in elements)
    return b"#bundle\0" + struct.pack(">Q", timetag) + body


def timetag(system_s: float) -> int:
    """NTP timetag of a system time in seconds."""
    return int((system_s + 2_208_988_800) * 2**32)


def answers_in(packet: bytes) -> list[Answer]:
    """The messages of a packet, which may be a bundle."""
    if packet.startswith(b"#bundle\0"):
        found: list[Answer] = []
        index = 16
        while index < len(packet):
            (size,) = struct.unpack_from(">i", packet, index)
            found += answers_in(packet[index + 4 : index + 4 + size])
            index += 4 + size
        return found
    parsed = OscMessage(packet)
    return [(parsed.address, list(parsed))]


class OscClient:
    """Sends to a server from its own port and collects what comes back."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(WATCHDOG_S)
        self.server = ("127.0.0.1", port)
        self._waiting: deque[Answer] = deque()

    def __enter__(self) -> OscClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def send(self, address: str, *args: Any, tags: str | None = None) -> None:
        """Send one message."""
        self.send_raw(message(address, *args, tags=tags))

    def send_raw(self, data: bytes) -> None:
        """Send one datagram."""
        self.socket.sendto(data, self.server)

    def receive(self) -> Answer:
        """The next answer; fails the test when none comes before the watchdog."""
        while not self._waiting:
            packet = self.receive_packet()
            assert len(packet) < 1400
            self._waiting += answers_in(packet)
        return self._waiting.popleft()

    def receive_packet(self) -> bytes:
        """The next packet."""
        data, sender = self.socket.recvfrom(65_535)
        assert sender == self.server, "answers come from the listening port"
        return data

    def until(self, *addresses: str) -> list[Answer]:
        """Every answer up to and with the first at one of `addresses`."""
        answers: list[Answer] = []
        while not answers or answers[-1][0] not in addresses:
            answers.append(self.receive())
        return answers

    def ask(self, address: str, *args: Any, tags: str | None = None) -> list[Answer]:
        """Send one message and a ping after it; every answer that came before the pong.

        Complete for requests that the receive thread answers itself.
        """
        self.send(address, *args, tags=tags)
        return self.drain()

    def drain(self) -> list[Answer]:
        """Every answer to what was sent before."""
        token = 77_001
        self.send("/drift/ping", token)
        answers: list[Answer] = []
        while (answer := self.receive()) != ("/drift/pong", [token]):
            answers.append(answer)
        return answers

    def wait_all(self, job_count: int, final: Sequence[str] = ("/drift/done",)) -> list[Answer]:
        """Every answer until `job_count` of them are at an address of `final`."""
        answers: list[Answer] = []
        while sum(address in final for address, _ in answers) < job_count:
            answers.append(self.receive())
        return answers
