"""A sound whose clock a test moves, and which writes down the stream's grains."""

from __future__ import annotations

from engine.stage.silent import SilentSound
from engine.types import FloatArray

RATE = 48_000
BLOCK = 480
WATCHDOG_S = 60.0


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Ear(SilentSound):
    """Writes down the grains; its frames pass by a clock, in blocks of 10 ms."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("", clock=clock)
        self.clock = clock
        self.grains: list[tuple[int, FloatArray]] = []
        self.gains: list[float] = []

    def time_line(self) -> tuple[int, float, float, float, bool]:
        frame = round(self.clock.now * RATE) // BLOCK * BLOCK
        since = self.clock.now - frame / RATE
        return frame, float(RATE), self.beat - since * self.tempo / 60, self.tempo, self.playing

    def add_grain(self, grain: FloatArray, frame: int) -> bool:
        self.grains.append((frame, grain))
        return True

    def skip_grains(self, frame: int) -> None:
        begun = self.time_line()[0]
        self.grains = [g for g in self.grains if g[0] < max(frame, begun)]

    def set_grain_gain(self, gain_db: float) -> None:
        self.gains.append(gain_db)

    @property
    def starts(self) -> list[float]:
        """When the grains began, in seconds since the test did."""
        return [frame / RATE - 100.0 for frame, _ in self.grains]
