"""Grains of the stream: sounds shaped so that they begin, overlap and end without a seam."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.operations.waves import at_rate
from engine.types import FloatArray

RISE_S: Final = 0.001
"""Equal-power fade at the start: shorter than the attack of a hit, long enough for no click."""
FALL_S: Final = 0.03
LEVEL: Final = 0.5
"""Greatest sample of a grain."""
CEILING: Final = 0.95
"""Greatest sum of all grains, before the gain of the stream."""
OVERLAP: Final = 4.0
"""About so many grains sound at once at most."""
SHORTEST_S: Final = 0.25
_BLOCK_S: Final = 0.005
_SILENCE: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A sound that was made for the stream: `(C, T)` float32 at `sample_rate`."""

    audio: FloatArray
    sample_rate: int

    def at(self, rate_hz: float) -> Sample:
        """The same at the rate of a device."""
        rate = round(rate_hz)
        if rate == self.sample_rate:
            return self
        return Sample(at_rate(self.audio, self.sample_rate, rate), rate)


def shaped(sample: Sample, density: float, level: float) -> FloatArray:
    """`(T, 2)`: a sample at its level, as long as there is room, faded at both ends.

    Its greatest sample is LEVEL x `level`; a silent sample stays silent.
    """
    rate = sample.sample_rate
    frames = min(sample.audio.shape[-1], round(rate * max(OVERLAP / density, SHORTEST_S)))
    audio = sample.audio[:2, :frames].T
    audio = np.repeat(audio, 2, axis=1) if audio.shape[1] == 1 else audio
    peak = float(np.abs(audio).max(initial=0.0))
    shape = np.full(frames, LEVEL * level / peak if peak > _SILENCE else 0.0, dtype=np.float32)
    rise, fall = min(round(RISE_S * rate), frames // 4), min(round(FALL_S * rate), frames // 2)
    shape[:rise] *= _fade(rise)
    shape[frames - fall :] *= _fade(fall)[::-1]
    return np.ascontiguousarray(audio * shape[:, np.newaxis], dtype=np.float32)


class Levels:
    """What sounds when, so that the sum of grains stays below the ceiling. One thread."""

    def __init__(self) -> None:
        self._placed: list[tuple[int, int, FloatArray]] = []

    def forget(self, before: int, from_: int | None = None) -> None:
        """Forget grains that ended before a frame, and those that begin at `from_` or later."""
        self._placed = [
            (start, block, peaks)
            for start, block, peaks in self._placed
            if start + block * (len(peaks) + 1) > before and (from_ is None or start < from_)
        ]

    def fit(self, grain: FloatArray, start: int, rate_hz: float) -> FloatArray:
        """The grain `(T, 2)`, turned down as far as what sounds from frame `start` on demands."""
        block = max(1, round(_BLOCK_S * rate_hz))
        peaks = _peaks(grain, start % block, block)
        first = start // block
        others = np.zeros(len(peaks), dtype=np.float32)
        for at, its_block, its_peaks in self._placed:
            if its_block != block:
                continue  # of a device with another rate, which is gone
            shift = at // block - first
            low, high = max(0, shift), min(len(peaks), shift + len(its_peaks))
            if low < high:
                others[low:high] += its_peaks[low - shift : high - shift]
        room = np.maximum(CEILING - others, 0.0)
        loud = peaks > _SILENCE
        factor = min(1.0, float((room[loud] / peaks[loud]).min(initial=1.0)))
        self._placed.append((start, block, peaks * np.float32(factor)))
        return grain if factor == 1.0 else grain * np.float32(factor)


def _peaks(grain: FloatArray, offset: int, block: int) -> FloatArray:
    """Greatest sample in each block of the device's frames; the grain begins `offset` in one."""
    loud = np.abs(grain).max(axis=1)
    count = math.ceil((offset + len(loud)) / block)
    padded = np.zeros(count * block, dtype=np.float32)
    padded[offset : offset + len(loud)] = loud
    return np.asarray(padded.reshape(count, block).max(axis=1), dtype=np.float32)


def _fade(frames: int) -> FloatArray:
    """`(T,)` from 0 to 1, a quarter of a sine: equal power with its mirror image."""
    return np.sin(0.5 * np.pi * (np.arange(frames) + 0.5) / max(frames, 1)).astype(np.float32)
