"""Which drum an onset is: the spectrum of its first moments, without the noise around."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from engine.operations.onsets import SAMPLE_RATE, Array, Onset

_LISTEN_S = 0.09
_OPEN_S = 0.16  # a hat that sounds on for longer is open
_QUIET = 0.12  # of its peak: where a sound has died away
_BEFORE = round(0.06 * SAMPLE_RATE)
_GOES_ON = 0.9
_BLOCK = round(0.005 * SAMPLE_RATE)
_SIZE = 8_192


def drums(sound: Array, found: Sequence[Onset]) -> list[tuple[str, float]]:
    """Drum and loudness (peak amplitude) of each onset of mono `(T,)` at SAMPLE_RATE."""
    frames = [onset.frame for onset in found] + [len(sound)]
    bright = _bright(sound)
    return [
        _drum(sound, bright, first, following) for first, following in itertools.pairwise(frames)
    ]


def _drum(sound: Array, bright: Array, first: int, following: int) -> tuple[str, float]:
    length = min(round(_LISTEN_S * SAMPLE_RATE), following - first)
    begin, before = sound[first : first + length], sound[max(0, first - _BEFORE) : first]
    power, hertz = _power(begin)
    # What sounded already, noise and the tails of other drums, goes on and dies away.
    rest, _ = _power(before[::-1]) if len(before) else (np.zeros_like(power), hertz)
    power = np.maximum(power - rest * min(1.0, length / max(1, len(before))) * _GOES_ON, 0.0)
    total = power.sum() + 1e-20
    low = float(power[hertz < 150].sum() / total)
    air = float(power[hertz > 1_000].sum() / total)
    high = float(power[hertz > 4_500].sum() / total)
    peak = float(np.abs(begin).max(initial=0.0))
    if air < 0.2 or (low > 0.5 and air < 0.35):
        return "kick", peak
    if high > 0.7:
        lasts = _lasts(bright, first, following)
        return ("open_hat" if lasts > _OPEN_S else "closed_hat"), peak
    return "snare", peak


def _power(part: Array) -> tuple[Array, Array]:
    """Power spectrum of a part whose last third is faded out."""
    tail = len(part) // 3
    fade = np.ones(len(part))
    fade[len(part) - tail :] = np.linspace(1.0, 0.0, tail)
    power = np.abs(np.fft.rfft(part * fade, _SIZE)) ** 2
    return np.asarray(power), np.asarray(np.fft.rfftfreq(_SIZE, 1.0 / SAMPLE_RATE))


def _bright(sound: Array) -> Array:
    """RMS above 4.5 kHz of 5 ms blocks."""
    size = 1 << len(sound).bit_length()
    spectrum = np.fft.rfft(sound, size)
    spectrum[np.fft.rfftfreq(size, 1.0 / SAMPLE_RATE) < 4_500] = 0.0
    part = np.fft.irfft(spectrum, size)[: len(sound)]
    whole = part[: len(part) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    return np.asarray(np.sqrt((whole**2).mean(axis=1)))


def _lasts(bright: Array, first: int, following: int) -> float:
    """Seconds until a bright sound has died away into the noise, or the next one begins."""
    level = bright[first // _BLOCK : following // _BLOCK]
    floor = float(np.quantile(bright, 0.1)) * 1.5
    loud = np.flatnonzero(level > floor + _QUIET * float(level.max(initial=0.0)))
    return float((loud[-1] + 1) * _BLOCK / SAMPLE_RATE) if len(loud) else 0.0
