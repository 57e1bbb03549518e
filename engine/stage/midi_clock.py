"""MIDI clock: follows one from outside, and gives one to others."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from engine.stage.pull import JUMP_BEATS, pulled
from engine.stage.sound import Sound

TICKS_IN_BEAT: Final = 24
_TICK: Final = 0xF8
_START: Final = 0xFA
_CONTINUE: Final = 0xFB
_STOP: Final = 0xFC
_POSITION: Final = 0xF2
_GONE_S: Final = 0.5
"""Without a tick for so long the clock counts as gone; then the tempo is measured anew."""


class ClockFollower:
    """Sets tempo, start, stop and place of a sound by MIDI clock, while `on`.

    The tempo is the mean of the last beat's ticks, so that jitter of single ticks is not heard; a
    slow pull keeps the transport with the ticks.
    """

    def __init__(self, sound: Sound, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.on = False
        self._sound = sound
        self._clock = clock
        self._ticks: deque[float] = deque(maxlen=TICKS_IN_BEAT + 1)
        self._count = -1
        """Ticks since the start; -1 while the clock stands still."""

    def receive(self, message: bytes) -> bool:
        """Follow a message; False when it is none of a clock."""
        status = message[0]
        if status not in (_TICK, _START, _CONTINUE, _STOP, _POSITION):
            return False
        if self.on:
            self._obey(status, message)
        return True

    def _obey(self, status: int, message: bytes) -> None:
        if status == _TICK:
            self._tick()
        elif status == _START:
            self._count = 0
            self._sound.locate(0.0)
        elif status == _CONTINUE:
            self._count = round(self._sound.beat * TICKS_IN_BEAT)
        elif status == _STOP:
            self._count = -1
            self._sound.set_playing(False)
        elif len(message) == 3:
            sixteenths = message[1] | message[2] << 7
            self._sound.locate(sixteenths / 4.0)

    def _tick(self) -> None:
        now = self._clock()
        if self._ticks and now - self._ticks[-1] > _GONE_S:
            self._ticks.clear()
        self._ticks.append(now)
        tempo = self._tempo()
        if self._count < 0:
            if tempo:
                self._sound.set_tempo(tempo)
            return
        if self._count == 0 or not self._sound.playing:
            self._sound.set_playing(True)  # the first tick after a start is the beat itself
        elif tempo:
            behind = self._count / TICKS_IN_BEAT - self._sound.beat
            if abs(behind) > JUMP_BEATS:
                self._sound.locate(self._count / TICKS_IN_BEAT)
                behind = 0.0
            self._sound.set_tempo(pulled(tempo, behind))
        self._count += 1

    def _tempo(self) -> float:
        if len(self._ticks) < 2:
            return 0.0
        seconds = (self._ticks[-1] - self._ticks[0]) / (len(self._ticks) - 1)
        tempo = 60.0 / (seconds * TICKS_IN_BEAT) if seconds > 0 else 0.0
        return tempo if 20.0 <= tempo <= 400.0 else 0.0


class ClockSender:
    """Sends MIDI clock at the transport's tempo, while `on`; start and stop with it."""

    def __init__(self, sound: Sound, send: Callable[[bytes], None]) -> None:
        self._sound = sound
        self._send = send
        self._wake = threading.Condition()
        self._on = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="midi clock", daemon=True)
        self._thread.start()

    @property
    def on(self) -> bool:
        """Whether clock is sent."""
        return self._on

    def turn(self, on: bool) -> None:
        """Begin or end."""
        with self._wake:
            self._on = on
            self._wake.notify_all()

    def close(self) -> None:
        """End for good."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join()

    def _run(self) -> None:
        running = False
        due = time.monotonic()
        beat = 0.0  # of the tick that is due
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closing or self._on)
                if self._closing:
                    return
                wait_s = due - time.monotonic()
                if wait_s > 0:
                    self._wake.wait(wait_s)
                    continue
            playing = self._sound.playing
            if playing and not running:
                beat = self._sound.beat
                self._send(bytes((_START,)))
            elif running and not playing:
                self._send(bytes((_STOP,)))
            running = playing
            self._send(bytes((_TICK,)))
            second = 60.0 / self._sound.tempo  # of a beat
            # The transport is told by blocks: a small part of the difference goes into each tick.
            ahead = beat - self._sound.beat if playing else 0.0
            late = time.monotonic() - due
            due = (due if late < second else time.monotonic()) + second / TICKS_IN_BEAT
            due += 0.05 * second * min(max(ahead, -0.1), 0.1)
            beat += 1.0 / TICKS_IN_BEAT
