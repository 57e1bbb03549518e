"""When the grains of the stream begin: so many a second, or on the grid of the beats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

CELLS: Final = (4.0, 2.0, 1.0, 0.5, 0.25, 0.125)
"""Beats between two grains while the transport runs."""
FINEST: Final = 0.25
"""Grid on which a change may come before its turn."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the sound is now.

    Attributes:
        frame: of the next block.
        rate: frames a second.
        beat: place of the transport at `frame`.
        tempo: beats a minute.
        playing: whether the transport runs.
    """

    frame: int
    rate: float
    beat: float = 0.0
    tempo: float = 120.0
    playing: bool = False

    def frame_of(self, beat: float) -> int:
        """The frame in which a beat falls while the tempo stays."""
        return self.frame + math.ceil((beat - self.beat) * 60.0 * self.rate / self.tempo - 1e-6)

    def beat_of(self, frame: int) -> float:
        """The beat of a frame while the tempo stays."""
        return self.beat + (frame - self.frame) * self.tempo / (60.0 * self.rate)

    def cell(self, density: float) -> float:
        """The step of the grid, in beats, that comes nearest to so many sounds a second."""
        beats = self.tempo / (60.0 * density)
        return min(CELLS, key=lambda cell: abs(math.log(cell / beats)))


def interval(moment: Moment, density: float) -> float:
    """Frames from one grain to the next."""
    if moment.playing:
        return moment.cell(density) * 60.0 * moment.rate / moment.tempo
    return moment.rate / density


def next_start(last: int | None, moment: Moment, density: float) -> int:
    """The frame of the grain after one that began in frame `last`; None: there was none."""
    if moment.playing:
        step = moment.cell(density)
        if last is None:
            return on_grid(moment.frame, moment, step)
        return on_grid(last + round(0.5 * interval(moment, density)), moment, step)
    return moment.frame if last is None else last + round(interval(moment, density))


def on_grid(frame: int, moment: Moment, step: float) -> int:
    """The first frame from `frame` on whose beat `step` divides; `frame` without a transport."""
    if not moment.playing:
        return frame
    beat = moment.beat_of(frame)
    return max(frame, moment.frame_of(math.ceil(beat / step - 1e-6) * step))
