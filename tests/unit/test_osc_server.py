"""The socket: ports, hosts, threads, and no message lost."""

from __future__ import annotations

import collections
import contextlib
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.address_space import METHODS
from bridge.net_access import AccessList
from bridge.osc import OscPortError, OscServer
from bridge.osc_spec import Arg
from bridge.osc_udp import RECEIVE_BUFFER_BYTES
from tests.support.osc_client import WATCHDOG_S, OscClient, bundle, message, timetag
from tests.support.osc_memory import MemoryHandler

MESSAGES = 20_000
ADDRESSES = 100
RATE_PER_S = 10_000
BURST = 10


@pytest.fixture
def handler(tmp_path: Path) -> Iterator[MemoryHandler]:
    handler = MemoryHandler(tmp_path)
    yield handler
    handler.close()


@pytest.fixture
def server(handler: MemoryHandler) -> Iterator[OscServer]:
    server = OscServer("localhost", 0, handler, version="1.2.3")
    server.start()
    yield server
    server.stop()


def test_a_port_in_use_is_named_with_its_flag(handler: MemoryHandler, server: OscServer) -> None:
    second = OscServer("127.0.0.1", server.port, handler)
    with pytest.raises(OscPortError, match=rf"{server.port}.*already in use.*--osc-port"):
        second.start()
    second.stop()
    with OscClient(server.port) as client:
        assert client.ask("/drift/version") == [("/drift/version/reply", ["1.2.3", 1])]


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [
        ("0.0.0.0", 0, "--lan"),
        ("192.168.0.1", 0, "--lan"),
        ("::1", 0, "not an IPv4 address"),
        ("example", 0, "not an IPv4 address"),
        ("127.0.0.1", 70_000, "--osc-port"),
    ],
)
def test_hosts_and_ports_that_are_refused(
    handler: MemoryHandler, host: str, port: int, text: str
) -> None:
    with pytest.raises(OscPortError, match=text):
        OscServer(host, port, handler).start()


def test_the_port_is_free_after_stop_and_stop_can_be_repeated(handler: MemoryHandler) -> None:
    server = OscServer("127.0.0.1", 0, handler)
    server.start()
    with pytest.raises(RuntimeError, match="already started"):
        server.start()
    server.stop()
    server.stop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", server.port))
    assert not [t for t in threading.enumerate() if t.name == "osc-receive"]


def test_with_lan_every_interface_is_heard(handler: MemoryHandler) -> None:
    server = OscServer("0.0.0.0", 0, handler, access=AccessList(lan=True))
    server.start()
    with OscClient(server.port) as client:
        assert client.ask("/drift/ping", 3) == [("/drift/pong", [3])]
    server.stop()


def test_a_bundle_runs_in_order_and_not_before_its_time(server: OscServer) -> None:
    with OscClient(server.port) as client:
        soon_s = time.time() + 0.2
        numbers = list(range(1, 21))
        client.send_raw(bundle(timetag(soon_s), *(message("/drift/ping", n) for n in numbers)))
        assert [client.receive()[1][0] for _ in numbers] == numbers
        assert time.time() >= soon_s - 0.001


def test_answers_come_from_any_thread_to_their_sender(server: OscServer) -> None:
    with OscClient(server.port) as one, OscClient(server.port) as two:
        for number in range(20):
            one.send("/drift/generate", number, "duration", 0.1)
            two.send("/drift/generate", 100 + number, "duration", 0.1)
        jobs = [
            sorted(args[1] for address, args in c.wait_all(20) if address == "/drift/done")
            for c in (one, two)
        ]
    assert jobs == [list(range(20)), list(range(100, 120))]


def test_senders_that_vanish_do_no_harm(server: OscServer) -> None:
    for _ in range(200):
        with OscClient(server.port) as gone:
            gone.send("/drift/query")
    with OscClient(server.port) as client:
        assert client.ask("/drift/ping", 1) == [("/drift/pong", [1])]


def test_more_than_1024_open_files_do_no_harm(handler: MemoryHandler) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2_048:
        pytest.skip(f"only {hard} files can be opened")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_048), hard))
    with contextlib.ExitStack() as stack:
        for _ in range(1_100):
            stack.enter_context(open(os.devnull, "rb"))
        server = OscServer("127.0.0.1", 0, handler)
        server.start()
        with OscClient(server.port) as client:
            assert client.ask("/drift/ping", 1) == [("/drift/pong", [1])]
        server.stop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_20_000_messages_at_10_000_a_second_to_100_addresses_are_all_handled(
    server: OscServer, handler: MemoryHandler
) -> None:
    # These call methods of the handler themselves, which would be counted too.
    left_out = ("ping", "notify", "/dirt/play")
    real = [m for m in METHODS if not m.job and m.command not in left_out and m.number <= 1]
    known = {m.address: [message(m.address, *map(_value, m.args))] for m in real}
    addresses = [*known, *(f"/controller/fader/{n}" for n in range(ADDRESSES - len(known)))]
    packets = [known[a][0] if a in known else message(a, 0.5) for a in addresses]
    assert len(set(addresses)) == ADDRESSES

    with OscClient(server.port) as client, OscClient(server.port) as watcher:
        pings = 0
        due_s = time.monotonic()
        for number in range(MESSAGES):
            client.send_raw(packets[number % ADDRESSES])
            if number % BURST == BURST - 1:
                # A sender that fell behind goes on at its rate; it does not catch up at once.
                due_s = max(due_s + BURST / RATE_PER_S, time.monotonic())
                time.sleep(max(0.0, due_s - time.monotonic()))
            if number % 200 == 199 and not has_full_buffer(server):
                watcher.drain()  # Without root the kernel grants less; wait for the server.
                pings += 1
        give_up_s = time.monotonic() + WATCHDOG_S
        while server.stats.received - pings < MESSAGES and time.monotonic() < give_up_s:
            watcher.drain()
            pings += 1
    assert server.stats.received - pings == MESSAGES
    handled = collections.Counter(command for command, _ in handler.seen)
    built_in = {"hello", "version", "sync", "query", "/dirt/handshake"}
    assert handled == {m.command: MESSAGES // ADDRESSES for m in real if m.command not in built_in}


def has_full_buffer(server: OscServer) -> bool:
    """The kernel granted the receive buffer that was asked for."""
    assert server._udp is not None
    return server._udp.receive_buffer_bytes >= RECEIVE_BUFFER_BYTES


def _value(arg: Arg) -> object:
    if arg.choices:
        return arg.choices[0]
    number = max(1.0, arg.minimum or 1.0)
    return {"i": int(number), "f": number, "T": 1, "s": "word"}[arg.kind.value]
