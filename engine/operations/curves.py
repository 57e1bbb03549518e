"""Loudness along time: measured finely enough for onsets, found again in rhythms, and imposed.

Curves have a value each BLOCK samples. Peaks are followed at once and let go within 20 ms, so that
an attack stays where it is and the cycles of a low tone are not taken for loudness; power is a
smooth mean over 20 ms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.types import FloatArray

__all__ = ["BLOCK", "along", "followed", "peak_curve", "power_curve", "rises"]

Curve = npt.NDArray[np.float64]
Mono = npt.NDArray[np.floating[Any]]

BLOCK = 32
"""Samples a value, 0.7 ms at 44.1 kHz."""

_FLOOR = 1e-6
_RELEASE_S = 0.020
_POWER_S = 0.020
_RISE = 10 ** (8 / 20)  # over 20 ms: an onset
_QUIETEST_ONSET = 10 ** (-36 / 20)  # against the loudest
_BETWEEN_ONSETS_S = 0.060
_MOST_GAIN = 10 ** (12 / 20)
_PEAK_ROUNDS, _POWER_ROUNDS = 3, 3
_MOST_OVER = 1.5  # of the peaks, for the power's sake
_INAUDIBLE = 1e-4


def peak_curve(mono: Mono, sample_rate: int) -> Curve:
    """(T,) -> (ceil(T / BLOCK),): the peak of each block, falling no faster than it may."""
    blocks = _blocks(np.abs(mono.astype(np.float64))).max(axis=1) + _FLOOR
    fall = np.arange(blocks.size) * (BLOCK / sample_rate / _RELEASE_S)
    held = np.maximum.accumulate(np.log(blocks) + fall) - fall
    return np.asarray(np.exp(held))


def power_curve(mono: Mono, sample_rate: int) -> Curve:
    """(T,) -> (ceil(T / BLOCK),): root of the mean power around each block."""
    power = (_blocks(mono.astype(np.float64)) ** 2).mean(axis=1)
    window = np.hanning(2 * round(_POWER_S * sample_rate / BLOCK / 2) + 3)
    smooth = np.convolve(power, window / window.sum(), mode="full")
    half = window.size // 2
    return np.asarray(np.sqrt(np.maximum(smooth[half : half + power.size], 0.0)) + _FLOOR)


def rises(peaks: Curve, sample_rate: int) -> npt.NDArray[np.int64]:
    """Blocks at which a peak curve rises by 8 dB within 20 ms, at least 60 ms apart."""
    span = max(1, round(0.020 * sample_rate / BLOCK))
    before = np.lib.stride_tricks.sliding_window_view(
        np.pad(peaks, (span, 0), mode="constant", constant_values=_FLOOR), span + 1
    ).min(axis=1)
    floor = peaks.max(initial=_FLOOR) * _QUIETEST_ONSET
    risen = np.flatnonzero((peaks > before * _RISE) & (peaks > floor))
    apart = round(_BETWEEN_ONSETS_S * sample_rate / BLOCK)
    found: list[int] = []
    for block in risen:
        if not found or block - found[-1] > apart:
            found.append(int(block))
    return np.array(found, dtype=np.int64)


def followed(
    mono: FloatArray, peaks: Curve, power: Curve, sample_rate: int, *, circular: bool = False
) -> FloatArray:
    """A sound (T,) made exactly as loud along time as the curves say, by one slow gain.

    At most 12 dB are added. First the peaks are met, then the power. circular: the gain goes on
    from the end to the beginning.
    """
    heard = np.flatnonzero(_blocks(np.abs(mono)).max(axis=1) > _INAUDIBLE)
    gain = np.ones(peaks.size)
    sound = mono
    for turn in range(_PEAK_ROUNDS + _POWER_ROUNDS):
        if turn < _PEAK_ROUNDS:
            change = peaks / peak_curve(sound, sample_rate)
        else:
            change = np.clip(power / power_curve(sound, sample_rate), 0.5, 2.0)
            change = np.minimum(change, _MOST_OVER * peaks / peak_curve(sound, sample_rate))
        gain = np.minimum(gain * change, _MOST_GAIN)
        if heard.size:  # silence needs no gain, and its gain must not reach into an onset
            after = np.searchsorted(heard, np.arange(gain.size))
            gain = gain[heard[np.minimum(after, heard.size - 1)]]
        steady = _least_around(gain, 1, circular=circular)
        sound = np.asarray(mono * along(steady, mono.size, circular=circular), dtype=np.float32)
    return sound


def along(curve: Curve, samples: int, *, circular: bool = False) -> Curve:
    """A curve of blocks at every sample (samples,), by straight lines between their middles."""
    middles = np.arange(curve.size) * BLOCK + (BLOCK - 1) / 2
    period = float(max(samples, middles[-1] + 1)) if circular else None
    return np.asarray(np.interp(np.arange(samples), middles, curve, period=period))


def _blocks(x: Curve) -> Curve:
    return np.pad(x, (0, -x.size % BLOCK)).reshape(-1, BLOCK)


def _least_around(curve: Curve, reach: int, *, circular: bool) -> Curve:
    padded = np.pad(curve, reach, mode="wrap" if circular else "edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1))
