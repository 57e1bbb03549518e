"""A `Sound` that nobody hears: its transport runs by the system's clock.

For machines where `bridge._native` is not built, and for tests of the stage alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from engine.types import FloatArray

_RATE_HZ = 48_000.0


class SilentSound:
    """Implements `engine.stage.sound.Sound` without sound; `why` says what to do about it."""

    def __init__(self, why: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.trouble = why
        self.device = ""
        self.xruns = 0
        self.tempo = 120.0
        self.playing = False
        self._clock = clock
        self._lock = threading.Lock()
        self._anchor = (clock(), 0.0)

    @property
    def beat(self) -> float:
        """Place of the transport."""
        with self._lock:
            then, beat = self._anchor
            return beat + ((self._clock() - then) * self.tempo / 60.0 if self.playing else 0.0)

    def set_clip(self, slot: int, audio: FloatArray, sample_rate: int) -> None:
        """Nothing to do."""

    def clear(self, slot: int) -> None:
        """Nothing to do."""

    def set_level(self, slot: int, name: str, value: float) -> None:
        """Nothing to do."""

    def hit(self, slot: int, velocity: int, grid: float, at_s: float | None = None) -> bool:
        """Nothing can be heard."""
        return False

    def let_go(self, slot: int, at_s: float | None = None) -> None:
        """Nothing to do."""

    def stop(self, slot: int, at_s: float | None = None) -> None:
        """Nothing to do."""

    def send(self, message: bytes) -> None:
        """Nothing to do."""

    def panic(self) -> None:
        """It is silent already."""

    def set_tempo(self, bpm: float) -> None:
        """Set the tempo at once."""
        self.locate(self.beat)
        self.tempo = bpm

    def set_playing(self, on: bool) -> None:
        """Start or stop the transport."""
        self.locate(self.beat)
        self.playing = on

    def locate(self, beat: float) -> None:
        """Jump to a beat."""
        with self._lock:
            self._anchor = (self._clock(), beat)

    def time_line(self) -> tuple[int, float, float, float, bool]:
        """Frames pass by the system's clock."""
        frame = int(self._clock() * _RATE_HZ)
        return frame, _RATE_HZ, self.beat, self.tempo, self.playing

    def add_grain(self, grain: FloatArray, frame: int) -> bool:
        """Nothing can be heard."""
        return False

    def skip_grains(self, frame: int) -> None:
        """Nothing to do."""

    def set_grain_gain(self, gain_db: float) -> None:
        """Nothing to do."""

    def levels(self) -> tuple[float, float, float, float]:
        """Silence."""
        return (0.0, 0.0, 0.0, 0.0)

    def close(self) -> None:
        """Nothing to do."""
