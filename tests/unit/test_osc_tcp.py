"""OSC over TCP: both framings, clients that misbehave, and python-osc's own client."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.tcp_client import SimpleTCPClient

from bridge.osc import OscPortError, OscServer
from bridge.osc_backlog import STREAM_PACKETS
from bridge.osc_framing import MAX_FRAME_BYTES, FramingError, LengthPrefix, Slip, recognise
from bridge.osc_tcp import MAX_CONNECTIONS
from tests.support.osc_client import WATCHDOG_S, OscClient, bundle, message, timetag
from tests.support.osc_memory import MemoryHandler
from tests.support.tcp_client import TcpClient

FRAMINGS = pytest.mark.parametrize("slip", [True, False], ids=["slip", "length"])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OscServer]:
    handler = MemoryHandler(tmp_path)
    server = OscServer("127.0.0.1", 0, handler, version="1.2.3")
    server.start()
    yield server
    server.stop()
    handler.close()


@FRAMINGS
@given(packets=st.lists(st.binary(min_size=1, max_size=300)), cuts=st.lists(st.integers(1, 50)))
def test_packets_come_out_as_they_went_in_however_the_stream_is_cut(
    slip: bool, packets: list[bytes], cuts: list[int]
) -> None:
    framing = Slip() if slip else LengthPrefix()
    stream = b"".join(framing.frame(packet) for packet in packets)
    reader = Slip() if slip else LengthPrefix()
    found: list[bytes] = []
    for cut in cuts:
        found += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert found + reader.feed(stream) == packets


def test_the_first_byte_tells_the_framing() -> None:
    assert isinstance(recognise(0), LengthPrefix)
    for first in (0xC0, ord("/"), ord("#")):
        assert isinstance(recognise(first), Slip)
    for first in (1, 0xFF, ord("G")):
        with pytest.raises(FramingError, match="expected SLIP"):
            recognise(first)


def test_packets_that_never_end_are_refused() -> None:
    with pytest.raises(FramingError, match="announced"):
        LengthPrefix().feed(struct.pack(">I", MAX_FRAME_BYTES + 1))
    with pytest.raises(FramingError, match="no SLIP END"):
        Slip().feed(b"x" * (2 * MAX_FRAME_BYTES + 1))
    assert Slip().feed(b"\xc0\xc0\xc0/a\xdb\x01\xc0") == [b"\xdb/a\xdb\x01"]


@FRAMINGS
def test_tcp_carries_what_udp_carries(server: OscServer, slip: bool) -> None:
    with TcpClient(server.port, slip=slip) as client, OscClient(server.port) as other:
        assert client.ask("/drift/version") == [("/drift/version/reply", ["1.2.3", 1])]
        client.send("/drift/generate", 7, "prompt", "snare", "count", 2, "duration", 0.1)
        answers = client.until("/drift/done")
        assert [address for address, _ in answers].count("/drift/clip/added") == 2
        assert client.ask("/drift/nothing")[0][1][2] == "bad_address"
        client.ask("/drift/notify", 1)
        other.send("/drift/generate", 9, "duration", 0.1)
        assert client.receive()[0] == "/drift/clip/added"
        other.until("/drift/done")
        soon = timetag(time.time() + 0.1)
        client.send_raw(bundle(soon, message("/drift/ping", 1), message("/drift/ping", 2)))
        assert [client.receive()[1] for _ in range(2)] == [[1], [2]]
        client.send_raw(b"nonsense")
        assert client.receive()[1][2] == "bad_type"


@FRAMINGS
def test_python_osc_can_talk_to_it(server: OscServer, slip: bool) -> None:
    client = SimpleTCPClient("127.0.0.1", server.port, mode="1.1" if slip else "1.0")
    client.send_message("/drift/ping", [5])
    got = next(iter(client.get_messages(WATCHDOG_S)))
    assert (got.address, list(got)) == ("/drift/pong", [5])
    client.close()


def test_udp_and_tcp_senders_of_one_port_are_two(server: OscServer) -> None:
    with TcpClient(server.port, slip=True) as tcp:
        host, port = tcp.socket.getsockname()
        udp = OscClient(server.port)
        udp.socket.close()
        udp.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.socket.settimeout(WATCHDOG_S)
        udp.socket.bind((host, port))
        with udp:
            tcp.send("/drift/ping", 1)
            udp.send("/drift/ping", 2)
            assert tcp.receive() == ("/drift/pong", [1])
            assert udp.receive() == ("/drift/pong", [2])


@FRAMINGS
def test_what_was_sent_before_hanging_up_is_answered(server: OscServer, slip: bool) -> None:
    with TcpClient(server.port, slip=slip) as client:
        for number in range(100):
            client.send("/drift/ping", number)
        client.socket.shutdown(socket.SHUT_WR)
        assert [client.receive()[1][0] for _ in range(100)] == list(range(100))
        assert client.socket.recv(1) == b""
    wait_until(lambda: not connections(server))


def test_a_stream_of_nonsense_is_told_so_and_closed(server: OscServer) -> None:
    with TcpClient(server.port, slip=False) as client:
        client.send("/drift/ping", 1)
        client.receive()
        client.socket.sendall(b"\xff\xff\xff\xff")
        command, _job, code, text = client.receive()[1]
        assert (command, code) == ("", "bad_type")
        assert "expected 65536 at most" in text
        assert client.socket.recv(1) == b""
    with socket.create_connection(("127.0.0.1", server.port), WATCHDOG_S) as browser:
        browser.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert browser.recv(1) == b""
    wait_until(lambda: not connections(server))


def test_a_client_that_does_not_read_is_dropped_and_nobody_waits(server: OscServer) -> None:
    with TcpClient(server.port, slip=True) as lazy, OscClient(server.port) as other:
        lazy.drain()
        queries = bundle(1, *[message("/drift/query")] * 100)
        while connections(server):
            try:
                lazy.send_raw(queries)
            except OSError:
                break
            assert other.ask("/drift/ping", 3) == [("/drift/pong", [3])]
        assert other.ask("/drift/version")[0][0] == "/drift/version/reply"
        wait_until(lambda: not connections(server))


def test_too_many_clients_are_refused_and_leaving_makes_room(server: OscServer) -> None:
    clients = [TcpClient(server.port, slip=True) for _ in range(MAX_CONNECTIONS)]
    for client in clients:
        client.drain()
    with socket.create_connection(("127.0.0.1", server.port), WATCHDOG_S) as more:
        assert more.recv(1) == b""
    for client in clients:
        client.socket.close()
    wait_until(lambda: not connections(server))
    with TcpClient(server.port, slip=True) as client:
        assert client.ask("/drift/ping", 1) == [("/drift/pong", [1])]


def test_a_flood_is_slowed_down_and_none_of_it_lost(server: OscServer) -> None:
    flood = STREAM_PACKETS + 2_000
    ping = message("/drift/ping", 1)
    unsent = (struct.pack(">I", len(ping)) + ping) * flood
    answered = 0
    with TcpClient(server.port, slip=False) as client, OscClient(server.port) as other:
        client.socket.setblocking(False)
        reader = LengthPrefix()
        while answered < flood:
            with contextlib.suppress(BlockingIOError):
                unsent = unsent[client.socket.send(unsent[:65_536]) :] if unsent else b""
            try:
                answered += len(reader.feed(client.socket.recv(1 << 20)))
            except BlockingIOError:
                time.sleep(0.001)
        assert other.ask("/drift/ping", 1) == [("/drift/pong", [1])]


def test_a_tcp_port_in_use_is_said(tmp_path: Path, server: OscServer) -> None:
    handler = MemoryHandler(tmp_path)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(OscPortError, match=rf"{port}.*in use \(TCP\).*--osc-port"):
            OscServer("127.0.0.1", port, handler).start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", port))
    handler.close()


@pytest.mark.parametrize("seed", range(4))
def test_broken_streams_break_nothing(server: OscServer, seed: int) -> None:
    rng = random.Random(seed)
    with OscClient(server.port) as other:
        for _ in range(150):
            with socket.create_connection(("127.0.0.1", server.port), WATCHDOG_S) as sock:
                good = message("/drift/ping", rng.randrange(9))
                head = rng.choice([b"\xc0", b"\0\0\0\x10", b"/", b"", b"#bundle\0"])
                body = rng.choice([good, rng.randbytes(rng.randrange(200)), b"\xdb" * 9])
                for piece in (head, body, rng.choice([b"\xc0", b"\0\0\0\0", b"\xff" * 5])):
                    try:
                        sock.sendall(piece)
                    except OSError:
                        break
        assert other.ask("/drift/ping", 1) == [("/drift/pong", [1])]
    wait_until(lambda: not connections(server))


def connections(server: OscServer) -> int:
    """TCP connections that the server holds."""
    assert server._tcp is not None
    return len(server._tcp._connections)


def wait_until(condition: object) -> None:
    """Return once `condition()` holds; fails the test at the watchdog."""
    assert callable(condition)
    deadline = time.monotonic() + WATCHDOG_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
