"""OSC messages lost under load: Driftwave's doors beside python-osc's servers, in the same run.

`python -m benchmarks.osc_load` sends 20 000 messages to 100 addresses at each rate from another
process and prints how many each server handled. Driftwave validates every message and answers
it, by UDP, TCP and WebSocket; python-osc's servers only count theirs.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_message_builder import build_msg
from pythonosc.osc_server import BlockingOSCUDPServer, OSCUDPServer, ThreadingOSCUDPServer
from pythonosc.osc_tcp_server import BlockingOSCTCPServer, OSCTCPServer
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.measure import Figure, summarise
from bridge.address_space import METHODS
from bridge.osc import OscCall, OscHandler, OscServer
from bridge.web import WebServer
from bridge.web_handler import WebHandler

MESSAGES = 20_000
ADDRESSES = 100
RATES_PER_S = (2_000, 10_000, 40_000)
SETTLE_S = 1.0
BURST_S = 0.001

Count = Callable[[], int]


class _Acknowledge:
    """Answers every request at once: the load is the door, not the engine."""

    def __getattr__(self, name: str) -> Callable[[OscCall, object], None]:
        return lambda call, request: call.fail("not_found", name)


@contextmanager
def driftwave() -> Iterator[tuple[int, Count]]:
    """Port of Driftwave's server, UDP and TCP, and its count of messages."""
    server = OscServer("127.0.0.1", 0, cast(OscHandler, _Acknowledge()))
    server.start()
    yield server.port, lambda: server.stats.received
    server.stop()


@contextmanager
def driftwave_web() -> Iterator[tuple[int, Count]]:
    """Port of Driftwave's WebSocket and its count of messages."""
    server = OscServer("127.0.0.1", 0, cast(OscHandler, _Acknowledge()))
    server.start()
    web = WebServer("127.0.0.1", 0, server, cast(WebHandler, _Acknowledge()))
    web.start()
    yield web.port, lambda: server.stats.received
    web.stop()
    server.stop()


@contextmanager
def python_osc(kind: type[OSCUDPServer | OSCTCPServer]) -> Iterator[tuple[int, Count]]:
    """Port of a python-osc server and its count of messages."""
    handled: list[str] = []

    def handle(address: str, *args: object) -> None:
        handled.append(address)

    dispatcher = Dispatcher()
    for address in addresses():
        dispatcher.map(address, handle)
    server = kind(("127.0.0.1", 0), dispatcher)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield int(server.server_address[1]), lambda: len(handled)
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True, slots=True)
class Subject:
    """A server under load: how to start it, and how it is sent to."""

    name: str
    make: Callable[[], Any]
    transport: str
    ours: bool = True


SUBJECTS: tuple[Subject, ...] = (
    Subject("Driftwave, UDP", driftwave, "udp"),
    Subject("Driftwave, TCP", driftwave, "tcp"),
    Subject("Driftwave, WebSocket", driftwave_web, "websocket"),
    Subject(
        "python-osc BlockingOSCUDPServer", lambda: python_osc(BlockingOSCUDPServer), "udp", False
    ),
    Subject(
        "python-osc ThreadingOSCUDPServer", lambda: python_osc(ThreadingOSCUDPServer), "udp", False
    ),
    Subject(
        "python-osc BlockingOSCTCPServer", lambda: python_osc(BlockingOSCTCPServer), "tcp", False
    ),
)


def addresses() -> list[str]:
    """One hundred addresses, those of the method table among them."""
    real = [method.address for method in METHODS if method.number <= 1]
    return real + [f"/controller/fader/{n}" for n in range(ADDRESSES - len(real))]


def send(port: int, rate_per_s: int, transport: str) -> None:
    """Send the messages at `rate_per_s`, in bursts of at most a millisecond."""
    packets = [build_msg(address, [0.5]).dgram for address in addresses()]
    with sender(port, transport) as put:
        due_s = time.monotonic()
        for number in range(MESSAGES):
            put(packets[number % ADDRESSES])
            # A sender that fell behind goes on at its rate; it does not catch up at once.
            due_s = max(due_s + 1 / rate_per_s, time.monotonic() - BURST_S)
            if due_s - time.monotonic() > BURST_S:
                time.sleep(due_s - time.monotonic())


@contextmanager
def sender(port: int, transport: str) -> Iterator[Callable[[bytes], object]]:
    """Sends packets by a transport and reads, in another thread, what is answered."""
    if transport == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            yield lambda packet: sock.sendto(packet, ("127.0.0.1", port))
    elif transport == "tcp":
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader = threading.Thread(target=lambda: _read_all(lambda: sock.recv(65_536)))
            reader.start()
            yield lambda packet: sock.sendall(b"\xc0" + packet + b"\xc0")
            sock.shutdown(socket.SHUT_WR)
            reader.join()
    else:
        with connect(f"ws://127.0.0.1:{port}/", compression=None, max_queue=None) as client:
            reader = threading.Thread(target=lambda: _read_all(lambda: client.recv()))
            reader.start()
            yield client.send
            client.close()
            reader.join()


def _read_all(read: Callable[[], object]) -> None:
    with contextlib.suppress(OSError, ConnectionClosed):
        while read():
            pass


def lost_percent(subject: Subject, rate_per_s: int) -> float:
    """Per cent of the messages that the server never handled."""
    with subject.make() as (port, count):
        root = Path(__file__).parents[1]
        command = [sys.executable, "-m", "benchmarks.osc_load", "--send", str(port)]
        subprocess.run([*command, str(rate_per_s), subject.transport], check=True, cwd=root)
        before = -1
        while before != count():
            before = count()
            time.sleep(SETTLE_S)
        return 100.0 * (1.0 - before / MESSAGES)


def run(count: int) -> list[Figure]:
    """Loss of each server at each rate, `count` times (3 at most)."""
    return [
        summarise(
            f"OSC lost at {rate} messages/s, {subject.name}",
            [lost_percent(subject, rate) for _ in range(min(count, 3))],
            unit="%",
            target=0.0 if subject.ours else None,
        )
        for rate in RATES_PER_S
        for subject in SUBJECTS
    ]


def main() -> None:
    """Print the table."""
    print(f"Messages lost of {MESSAGES} to {ADDRESSES} addresses")
    print(f"{'server':34}" + "".join(f"{rate:>10}/s" for rate in RATES_PER_S))
    for subject in SUBJECTS:
        losses = [lost_percent(subject, rate) for rate in RATES_PER_S]
        print(f"{subject.name:34}" + "".join(f"{loss:>11.2f}%" for loss in losses), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--send"]:
        send(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        main()
