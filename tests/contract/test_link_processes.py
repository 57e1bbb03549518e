"""Two real processes, and one of them is killed or stopped at a random moment, a hundred times."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge import _native
from bridge.errors import EngineRunning
from bridge.link import LinkServer
from bridge.rendezvous import Rendezvous
from tests.support.link_client import (
    connect,
    mapped_segments,
    open_descriptors,
    replies_until,
    stop_process,
    wait_until,
)
from tests.support.link_echo import EchoHandler, Nursery, echo_audio

ROOT = Path(__file__).parents[2]
ROUNDS = 100


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    running = Nursery(ROOT)
    yield running
    running.close()


def _busy_for(client: _native.LinkClient, seconds: float) -> int:
    """Ask for sounds and take them, as a plugin does; how many clips came."""
    clips = 0
    job = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        job += 1
        client.generate(job, seed=job, count=2, seconds=0.05)
        client.poll(1)
        while reply := client.next_reply():
            if reply.kind == "clip" and client.take_clip(reply) is not None:
                clips += 1
    return clips


def test_a_killed_or_stopped_engine_is_noticed_and_replaced(
    nursery: Nursery, tmp_path: Path
) -> None:
    path = tmp_path / "engine.sock"
    rng = random.Random(1)
    client = _native.LinkClient()
    before = open_descriptors(), mapped_segments()
    clips = 0
    for round_number in range(ROUNDS):
        engine = nursery.serve(path)
        result = client.connect(str(path), timeout_ms=20_000, stall_after_ms=20)
        assert result is _native.ConnectResult.CONNECTED, (round_number, client.message)
        clips += _busy_for(client, rng.uniform(0, 0.02))
        if round_number % 2:
            os.kill(engine, signal.SIGSTOP)
            wait_until(lambda: client.poll(1) is not _native.LinkState.READY, "the stop is noticed")
            if round_number % 20 == 1:
                with pytest.raises(EngineRunning):
                    Rendezvous(path)
            if round_number % 4 == 1:
                os.kill(engine, signal.SIGCONT)
                wait_until(
                    lambda: client.poll(1) is _native.LinkState.READY, "it plays on after SIGCONT"
                )
        os.kill(engine, signal.SIGKILL)
        wait_until(lambda: client.poll(1) is _native.LinkState.OFF, "the death is noticed")
        assert client.message
    client.disconnect()
    assert clips > 0
    assert (open_descriptors(), mapped_segments()) == before
    Rendezvous(path).close()


def test_plugins_killed_at_random_leave_nothing_in_the_engine(
    nursery: Nursery, tmp_path: Path
) -> None:
    handler = EchoHandler()
    rng = random.Random(2)
    server = LinkServer(handler, tmp_path / "engine.sock")
    try:
        before = open_descriptors(), mapped_segments()
        for _ in range(ROUNDS // 8 + 1):
            plugins = [nursery.play(server.path) for _ in range(8)]
            wait_until(lambda: len(server.peers) == 8, "eight plugins are connected")
            time.sleep(rng.uniform(0, 0.02))
            for plugin in plugins:
                os.kill(plugin, signal.SIGKILL)
            wait_until(lambda: not server.peers, "every dead plugin is dropped")
        assert len(set(handler.closed)) == len(handler.closed) == (ROUNDS // 8 + 1) * 8
        assert (open_descriptors(), mapped_segments()) == before
    finally:
        server.close()


def test_a_stopped_plugin_costs_the_others_nothing(nursery: Nursery, tmp_path: Path) -> None:
    server = LinkServer(EchoHandler(), tmp_path / "engine.sock")
    try:
        stopped = [nursery.play(server.path, hold=1) for _ in range(4)]
        wait_until(lambda: len(server.peers) == 4, "four plugins are connected")
        for plugin in stopped:
            stop_process(plugin)
        client = connect(server.path)
        for job in range(1, 20):
            client.generate(job, seed=job, seconds=0.01)
            clip = next(r for r in replies_until(client, "done", job) if r.kind == "clip")
            taken = client.take_clip(clip)
            assert taken is not None
            np.testing.assert_array_equal(taken[0], echo_audio(job, 0, 441))
        for plugin in stopped:
            os.kill(plugin, signal.SIGKILL)
        client.disconnect()
        wait_until(lambda: not server.peers, "every plugin is gone")
    finally:
        server.close()


def test_a_stopped_engine_does_not_hold_a_plugin_that_connects(
    nursery: Nursery, tmp_path: Path
) -> None:
    path = tmp_path / "engine.sock"
    engine = nursery.serve(path)
    stop_process(engine)
    clients = [_native.LinkClient() for _ in range(3)]
    for client in clients:
        result = client.connect(str(path), timeout_ms=20)
        assert result is _native.ConnectResult.TIMED_OUT
    os.kill(engine, signal.SIGCONT)
    connect(path).disconnect()
    os.kill(engine, signal.SIGKILL)
