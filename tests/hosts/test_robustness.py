"""A host plays on while the engine is killed and stopped at a hundred random moments."""

from __future__ import annotations

import random
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.clap_host import ClapHost
from tests.support.engine_process import (
    ATTACK_TIME,
    CANCEL,
    ENGINE_STATUS,
    GENERATE,
    PLAYING_VOICES,
    READY,
    SECONDS,
    host_environment,
    wait_for,
)
from tests.support.serving import ServedEngine

pytestmark = pytest.mark.host

RATE_HZ = 44_100
BLOCK = 256
PAD_NOTE = 36
MOMENTS = 100
KILL_EVERY = 4  # the other moments stop the engine for a while
BLOCKS_WHILE_STOPPED = 5


class Player(threading.Thread):
    """Processes block after block in a host, with notes and Generates at random."""

    def __init__(self, host: ClapHost, seed: int) -> None:
        super().__init__(daemon=True)
        self._host = host
        self._random = random.Random(seed)
        self._ending = threading.Event()
        self.blocks = 0
        self.sounding = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        """[player thread]"""
        try:
            while not self._ending.is_set():
                self._play_a_little()
        except BaseException as failure:
            self.failure = failure

    def finish(self) -> None:
        """Stop after the present block and report what went wrong on the thread."""
        self._ending.set()
        self.join()
        if self.failure is not None:
            raise self.failure

    def _play_a_little(self) -> None:
        chance = self._random.random()
        if chance < 0.05:
            self._host.set(GENERATE, 0.0)
            self._host.set(GENERATE, 1.0, 1)
        elif chance < 0.06:
            self._host.set(CANCEL, 1.0)
        elif chance < 0.3:
            self._host.note(PAD_NOTE + self._random.randrange(16), self._random.random())
        self.sounding += self._host.run(BLOCK, (1, BLOCK), self._random.randrange(1 << 30)) > 0
        self.blocks += 1
        time.sleep(0.001)


def start(folder: Path, voices: Path) -> ServedEngine:
    return ServedEngine(folder, voices, voice="tiny")


def shared_segments(pid: int) -> int:
    """How many of the link's memory segments a process maps."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    return len({line.split()[4] for line in maps.splitlines() if "memfd:" in line})


def test_killing_and_stopping_the_engine_a_hundred_times_is_not_heard(
    tmp_path: Path, tiny_voices: Path
) -> None:
    chance = random.Random(7)
    shared_memory = set(Path("/dev/shm").iterdir())
    engine = start(tmp_path, tiny_voices)
    with ClapHost(tmp_path, host_environment(tmp_path, tiny_voices)) as host:
        host.create(RATE_HZ, BLOCK)
        host.set(ATTACK_TIME, 0.0)
        host.set(SECONDS, 0.2)
        player = Player(host, seed=11)
        player.start()
        try:
            for moment in range(MOMENTS):
                time.sleep(chance.uniform(0.0, 0.05))
                if moment % KILL_EVERY == 0:
                    engine.kill()
                    seen = player.blocks
                    wait_for(lambda seen=seen: player.blocks > seen + 1, "blocks without an engine")
                    engine = start(tmp_path, tiny_voices)
                    continue
                engine.process.send_signal(signal.SIGSTOP)
                seen = player.blocks
                wait_for(
                    lambda seen=seen: (
                        player.failure is not None or player.blocks > seen + BLOCKS_WHILE_STOPPED
                    ),
                    "blocks while the engine is stopped",
                )
                time.sleep(chance.uniform(0.0, 0.03))
                engine.process.send_signal(signal.SIGCONT)
            wait_for(lambda: player.sounding > 0 or player.failure is not None, "a sound")
        except BaseException:
            engine.kill()
            raise
        finally:
            engine.process.send_signal(signal.SIGCONT)
            player.finish()

        # All is well again: the last engine answers, a new sound comes and ends, nothing is left.
        wait_for(
            lambda: host.run(BLOCK, (1, BLOCK)) >= 0 and round(host.get(ENGINE_STATUS)) == READY,
            "the engine",
        )
        for key in range(PAD_NOTE, PAD_NOTE + 16):
            host.ask("off", key)
        host.run(2 * RATE_HZ, (BLOCK, BLOCK))
        host.run(BLOCK, (1, BLOCK))
        assert host.get(PLAYING_VOICES) == 0, "a note hangs"
        host.note(PAD_NOTE)
        assert np.max(np.abs(host.render(RATE_HZ, (BLOCK, BLOCK)))) > 0
        assert shared_segments(host.pid) == 1
        engine.kill()
        wait_for(
            lambda: host.run(BLOCK, (1, BLOCK)) >= 0 and shared_segments(host.pid) == 0,
            "the segment's end",
        )
    assert set(Path("/dev/shm").iterdir()) <= shared_memory
