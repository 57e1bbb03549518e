"""Real link processes for the contract tests.

`EchoHandler` answers like an engine, with audio that follows from the seed. `python -m
tests.support.link_echo` is a nursery: it imports once, then forks a server or a plugin for every
line it reads on stdin, so that a test can kill a hundred of them quickly.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from bridge import _native
from bridge.link import LinkGenerate, LinkPeer, LinkRequest, LinkServer
from bridge.link_requests import FloatArray

RATE = 44100


def echo_audio(seed: int, index: int, frames: int) -> FloatArray:
    """What the echo engine answers: `(2, frames)` noise of the seed."""
    rng = np.random.Generator(np.random.Philox(key=seed, counter=index))
    return rng.uniform(-1.0, 1.0, (2, frames)).astype(np.float32)


class EchoHandler:
    """Answers every request at once; remembers what it was asked and who left."""

    def __init__(self) -> None:
        self.requests: list[LinkRequest] = []
        self.closed: list[int] = []

    def link_request(self, peer: LinkPeer, request: LinkRequest) -> None:
        """Queue, progress, `count` clips, done."""
        self.requests.append(request)
        if not isinstance(request, LinkGenerate):
            peer.send_status(voices=["echo"], device="cpu", version="1")
            return
        peer.send_queued(request.job, 0)
        peer.send_progress(request.job, 0.5, 1, 2)
        frames = round((request.seconds or 0.1) * RATE)
        seed = request.seed or 0
        for index in range(request.count):
            audio = echo_audio(seed, index, frames)
            peer.send_clip(request.job, audio, RATE, clip_id=f"{index:032x}", seed=seed,
                           index=index)  # fmt: skip
        peer.send_done(request.job, request.count)

    def link_closed(self, peer: LinkPeer) -> None:
        """Note who left."""
        self.closed.append(peer.id)


class Nursery:
    """The forking process, driven from a test."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.link_echo"],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._read() == "ready"

    def serve(self, socket_path: Path) -> int:
        """Fork an engine; its pid, once it listens."""
        return self._fork(f"serve {socket_path}")

    def play(self, socket_path: Path, hold: int = 0) -> int:
        """Fork a plugin that asks for clips for ever; with `hold`, it takes none of its clips."""
        return self._fork(f"play {socket_path} {hold}")

    def close(self) -> None:
        """End the nursery and whatever it forked that still lives."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _fork(self, command: str) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return int(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def ask_until_killed(socket_path: str, hold: int) -> None:
    """A plugin that wants more and more."""
    client = _native.LinkClient()
    job = 0
    while True:
        if client.state is _native.LinkState.OFF:
            client.connect(socket_path, timeout_ms=200)
        job += 1
        client.generate(job, "noise", seed=job, count=2, seconds=0.02)
        client.poll(5)
        while not hold and (reply := client.next_reply()):
            if reply.kind == "clip":
                client.take_clip(reply)
        time.sleep(0.002)


def main() -> None:
    """The nursery's loop."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    children: list[int] = []
    print("ready", flush=True)
    # Not iterating over sys.stdin: its read-ahead buffer would be copied into the children.
    while line := sys.stdin.readline():
        verb, socket_path, *rest = line.split()
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read_end)
            sys.stdin.close()
            if verb == "serve":
                server = LinkServer(EchoHandler(), Path(socket_path))
                os.close(write_end)
                while server.path:
                    time.sleep(60)
            os.close(write_end)
            ask_until_killed(socket_path, int(rest[0]))
        os.close(write_end)
        os.read(read_end, 1)  # EOF: the child is under way
        os.close(read_end)
        children.append(child)
        print(child, flush=True)
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
