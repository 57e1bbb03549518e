"""Random bytes against the server: on the socket, and in the memory of a connected plugin."""

from __future__ import annotations

import random
import socket
import struct
from pathlib import Path

import pytest

from bridge import _native
from bridge.link import LinkServer
from tests.support.link_client import connect, hello, replies_until, wait_until
from tests.support.link_echo import EchoHandler

GREETINGS = 1500
CONVERSATIONS = 300
POKES = 12


def test_no_greeting_harms_the_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(3)
    server = LinkServer(EchoHandler(), tmp_path / "engine.sock")
    accepted = 0
    try:
        for _ in range(GREETINGS):
            greeting = bytearray(hello())
            for _ in range(rng.randint(0, 3)):
                greeting[rng.randrange(len(greeting))] = rng.randrange(256)
            data = bytes(greeting[: rng.choice([80, 80, 80, rng.randrange(80)])])
            with socket.socket(socket.AF_UNIX) as caller:
                caller.settimeout(30)
                caller.connect(str(server.path))
                caller.sendall(data)
                caller.shutdown(socket.SHUT_WR)
                answer = caller.recv(256)
                expected = _native.judge_hello(data) if len(data) == 80 else None
                if expected is None:
                    assert answer == b""
                else:
                    code = list(_native.Answer).index(expected)
                    assert struct.unpack_from("<I", answer, 16) == (code,)
                    accepted += code == 0
        wait_until(lambda: not server.peers, "every caller is gone")
        client = connect(server.path)
        client.generate(1)
        replies_until(client, "done", 1)
    finally:
        server.close()
    assert 0 < accepted < GREETINGS
    with capsys.disabled():
        print(f"\nfuzzed {GREETINGS} greetings, {accepted} acceptable")


def test_no_content_of_the_shared_memory_harms_the_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(4)
    server = LinkServer(EchoHandler(), tmp_path / "engine.sock")
    dropped = 0
    try:
        for _ in range(CONVERSATIONS):
            client = connect(server.path)
            starts = [
                struct.unpack_from("<Q", client.peek(88 + 24 * section, 24), 8)[0]
                for section in range(8)
            ]
            for job in range(1, POKES + 1):
                client.generate(job, count=rng.randint(0, 3), seconds=0.002)
                start = rng.choice([0, *starts])
                offset = start + rng.choice([0, 64, rng.randrange(16) * 64, rng.randrange(4000)])
                value = rng.choice([0, 1, 2**32, 2**63, 2**64 - 1, rng.getrandbits(64)])
                client.poke(offset, struct.pack("<Q", value))
                client.poll(0)
                while reply := client.next_reply():
                    if reply.kind == "clip":
                        client.take_clip(reply)
                if client.state is _native.LinkState.OFF:
                    break
            dropped += client.state is _native.LinkState.OFF
            client.disconnect()
        wait_until(lambda: not server.peers, "every plugin is gone")
        client = connect(server.path)
        client.generate(1)
        replies_until(client, "done", 1)
    finally:
        server.close()
    assert dropped > 0
    with capsys.disabled():
        print(f"\nfuzzed {CONVERSATIONS} conversations of {POKES} pokes, {dropped} links dropped")
