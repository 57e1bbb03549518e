"""Ableton Link beside a real Link session: tempo, beat, start and stop are in common."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.stage.link_clock import LinkFollower
from engine.stage.silent import SilentSound
from tests.support.engine_process import wait_for

aalink = pytest.importorskip("aalink")

BAR = 4.0
MEET_S = 20.0


class Peer:
    """Another program in the session, in a thread of its own."""

    def __init__(self, tempo: float) -> None:
        self._joined = threading.Event()
        self._ending = threading.Event()
        self._todo: list[Callable[[Any], object]] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(tempo)), daemon=True)
        self._thread.start()
        assert self._joined.wait(30)

    async def _run(self, tempo: float) -> None:
        link = aalink.Link(tempo)
        link.quantum = BAR
        link.start_stop_sync_enabled = True
        link.enabled = True
        self._joined.set()
        while not self._ending.is_set():
            while self._todo:
                self._todo.pop(0)(link)
            await asyncio.sleep(0.005)
        link.enabled = False

    def ask(self, what: Callable[[Any], Any]) -> Any:
        """What `what(link)` returns, in the peer's thread."""
        answered: list[Any] = []
        done = threading.Event()

        def work(link: Any) -> None:
            answered.append(what(link))
            done.set()

        self._todo.append(work)
        assert done.wait(30)
        return answered[0]

    def close(self) -> None:
        self._ending.set()
        self._thread.join()


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A peer, where peers can meet at all: Link needs multicast."""
    one, other = Peer(97.0), Peer(97.0)
    deadline = time.monotonic() + MEET_S
    while not (met := one.ask(lambda link: link.num_peers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    other.close()
    if not met:
        one.close()
        pytest.skip(f"two Link peers did not meet in {MEET_S:g} s: no multicast on this machine")
    yield one
    one.close()


def test_tempo_beat_start_and_stop_are_in_common(peer: Peer) -> None:
    sound = SilentSound("")
    sound.set_tempo(140.0)
    follower = LinkFollower(sound, lambda: BAR)
    follower.start()
    try:
        wait_for(lambda: follower.peers == 1, "a peer")
        wait_for(lambda: peer.ask(lambda link: link.num_peers) == 1, "the peer to see us")
        peer.ask(lambda link: setattr(link, "tempo", 120.0))
        wait_for(lambda: abs(sound.tempo - 120.0) < 0.01, "the tempo that the peer set")
        follower.set_tempo(90.0)
        wait_for(
            lambda: abs(peer.ask(lambda link: link.tempo) - 90.0) < 0.01, "the tempo that we set"
        )

        peer.ask(lambda link: setattr(link, "playing", True))
        wait_for(lambda: sound.playing, "the start")

        def apart() -> float:
            there, here = peer.ask(lambda link: (link.beat, sound.beat))
            return float(abs((there - here + BAR / 2) % BAR - BAR / 2))

        wait_for(lambda: apart() < 0.02, "one beat")
        sound.set_playing(False)
        wait_for(lambda: abs(sound.tempo - 90.0) < 1e-6, "the session's tempo, not a pulled one")
        wait_for(lambda: not peer.ask(lambda link: link.playing), "the stop")
    finally:
        follower.stop()
    assert follower.peers == 0
    follower.stop()  # once more does nothing
