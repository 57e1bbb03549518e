"""How a listener would judge a rhythm: where its onsets are and how loud it is along time."""

from __future__ import annotations

import numpy as np

RATE = 44_100
_HOP = 64


def level(audio: np.ndarray, hop: int, window: int) -> np.ndarray:
    """Root of the mean power of `window` samples around every `hop` samples of (T,)."""
    padded = np.pad(audio.astype(np.float64) ** 2, (window // 2, window))
    sums = np.concatenate([[0.0], np.cumsum(padded)])
    at = np.arange(audio.size // hop) * hop
    return np.sqrt(np.maximum(sums[at + window] - sums[at], 0.0) / window)


def loudness_curve(audio: np.ndarray) -> np.ndarray:
    """A value each 10 ms, over 20 ms."""
    return level(audio, RATE // 100, RATE // 50)


def heard_onsets(audio: np.ndarray) -> np.ndarray:
    """Samples where the level jumps by 9 dB within 15 ms, at the steepest place, 80 ms apart."""
    levels = level(audio, _HOP, 256)
    decibels = 20.0 * np.log10(levels / levels.max() + 1e-3)
    span = round(0.015 * RATE / _HOP)
    risen = np.zeros_like(decibels)
    risen[span:] = decibels[span:] - decibels[:-span]
    found: list[int] = []
    block = 0
    while block < decibels.size:
        if risen[block] > 9.0 and decibels[block] > -30.0:
            low = max(0, block - span)
            found.append((low + int(np.argmax(np.diff(decibels[low : block + span + 1])))) * _HOP)
            block += round(0.08 * RATE / _HOP)
        else:
            block += 1
    return np.array(found)
