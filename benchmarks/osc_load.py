"""OSC messages lost under load: Driftwave's server beside python-osc's two UDP servers.

`python -m benchmarks.osc_load` sends 20 000 messages to 100 addresses at each rate from another
process and prints how many each server handled. Driftwave validates every message and answers
it; python-osc's servers only count theirs.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_message_builder import build_msg
from pythonosc.osc_server import BlockingOSCUDPServer, OSCUDPServer, ThreadingOSCUDPServer

from benchmarks.measure import Figure, summarise
from bridge.address_space import METHODS
from bridge.osc import OscCall, OscHandler, OscServer

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
    """Port of Driftwave's server and its count of messages."""
    server = OscServer("127.0.0.1", 0, cast(OscHandler, _Acknowledge()))
    server.start()
    yield server.port, lambda: server.stats.received
    server.stop()


@contextmanager
def python_osc(kind: type[OSCUDPServer]) -> Iterator[tuple[int, Count]]:
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


SERVERS: dict[str, Callable[[], Any]] = {
    "Driftwave OscServer": driftwave,
    "python-osc BlockingOSCUDPServer": lambda: python_osc(BlockingOSCUDPServer),
    "python-osc ThreadingOSCUDPServer": lambda: python_osc(ThreadingOSCUDPServer),
}


def addresses() -> list[str]:
    """One hundred addresses, those of the method table among them."""
    real = [method.address for method in METHODS if method.number <= 1]
    return real + [f"/controller/fader/{n}" for n in range(ADDRESSES - len(real))]


def send(port: int, rate_per_s: int) -> None:
    """Send the messages at `rate_per_s`, in bursts of at most a millisecond."""
    packets = [build_msg(address, [0.5]).dgram for address in addresses()]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    due_s = time.monotonic()
    for number in range(MESSAGES):
        sock.sendto(packets[number % ADDRESSES], ("127.0.0.1", port))
        # A sender that fell behind goes on at its rate; it does not catch up at once.
        due_s = max(due_s + 1 / rate_per_s, time.monotonic() - BURST_S)
        if due_s - time.monotonic() > BURST_S:
            time.sleep(due_s - time.monotonic())


def lost_percent(make: Callable[[], Any], rate_per_s: int) -> float:
    """Per cent of the messages that the server never handled."""
    with make() as (port, count):
        root = Path(__file__).parents[1]
        command = [sys.executable, "-m", "benchmarks.osc_load", "--send", str(port)]
        subprocess.run([*command, str(rate_per_s)], check=True, cwd=root)
        before = -1
        while before != count():
            before = count()
            time.sleep(SETTLE_S)
        return 100.0 * (1.0 - before / MESSAGES)


def run(count: int) -> list[Figure]:
    """Loss of each server at each rate, `count` times (3 at most)."""
    return [
        summarise(
            f"OSC lost at {rate} messages/s, {name}",
            [lost_percent(make, rate) for _ in range(min(count, 3))],
            unit="%",
            target=0.0 if make is driftwave else None,
        )
        for rate in RATES_PER_S
        for name, make in SERVERS.items()
    ]


def main() -> None:
    """Print the table."""
    print(f"Messages lost of {MESSAGES} to {ADDRESSES} addresses")
    print(f"{'server':34}" + "".join(f"{rate:>10}/s" for rate in RATES_PER_S))
    for name, make in SERVERS.items():
        losses = [lost_percent(make, rate) for rate in RATES_PER_S]
        print(f"{name:34}" + "".join(f"{loss:>11.2f}%" for loss in losses), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--send"]:
        send(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
