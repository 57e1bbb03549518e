"""Hostile HTTP requests and WebSocket frames: whatever arrives, the page is still served."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.osc import OscServer
from bridge.web import WebServer
from tests.support.osc_client import WATCHDOG_S
from tests.support.web_client import WebSocketClient, get
from tests.support.web_memory import serving
from tests.unit.test_osc_fuzz import corpus, mutated

REQUESTS = 400
FRAMES = 3_000
RIGHT = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /drift/generate?VALUE HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes=0-9\r\n\r\n",
    b'HEAD /clips/0.wav HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: "x"\r\n\r\n',
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[OscServer, WebServer]]:
    with serving(tmp_path) as (osc, web, *_):
        yield osc, web


def broken(rng: random.Random) -> bytes:
    """A request with a few things wrong."""
    data = bytearray(rng.choice(RIGHT))
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data))
        piece = rng.choice([b"\r\n", b"\0", b"%", b"../", b"A" * 9_000, rng.randbytes(4), b"\xff"])
        data[at : at + rng.randrange(3)] = piece
    return bytes(data)


def test_broken_requests(
    servers: tuple[OscServer, WebServer], caplog: pytest.LogCaptureFixture
) -> None:
    _osc, web = servers
    rng = random.Random(9631)
    for number in range(REQUESTS):
        with socket.create_connection(("127.0.0.1", web.port), WATCHDOG_S) as sock:
            try:
                sock.sendall(broken(rng))
                if number % 4:
                    sock.shutdown(socket.SHUT_WR)
                    sock.recv(65_536)
            except OSError:
                pass
        if number % 50 == 0:
            assert get(web.port, "/?HOST_INFO").status == 200
    deadline = time.monotonic() + WATCHDOG_S
    while web._connections and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not web._connections
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_broken_packets_and_texts_over_a_websocket(
    servers: tuple[OscServer, WebServer], caplog: pytest.LogCaptureFixture
) -> None:
    _osc, web = servers
    rng = random.Random(7)
    seeds = [one for one in corpus(time.time()) if b"clip/export" not in one]
    with WebSocketClient(web.port) as other:
        for _ in range(FRAMES // 300):
            with WebSocketClient(web.port) as client:
                for _ in range(300):
                    client.send_raw(mutated(rng, seeds))
                client.connection.send(rng.randbytes(40).hex())
            assert other.ask("/drift/ping", 1) == [("/drift/pong", [1])]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
