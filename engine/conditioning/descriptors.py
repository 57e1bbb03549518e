"""Measure what a sound is like: brightness, depth, noisiness, attack, length, loudness, pitch.

Each descriptor has a raw value in a natural unit and a normalised one in 0..1: the value's rank
among the training sounds, read from stored quantiles. NaN means absent (an unpitched sound has
no pitch). numpy only, so that training and runtime measure alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Order is fixed: shards, voices and plugins index by it. Values: unit of the raw measure.
UNITS: dict[str, str] = {
    "brightness": "octaves above 20 Hz of the spectral centroid",
    "depth": "dB of the energy below 150 Hz against the whole",
    "noisiness": "dB of spectral flatness (0 = white noise)",
    "attack": "log10 of the seconds from onset to the envelope's peak",
    "length": "log10 of the seconds until the envelope stays 40 dB below its peak",
    "loudness": "dB RMS of the loudest 200 ms, low bass weighted down",
    "pitch": "MIDI note number",
}
DESCRIPTORS: tuple[str, ...] = tuple(UNITS)
QUANTILES = 33  # stored quantiles a descriptor
_BLOCK = 64  # envelope resolution in samples
_PITCH_HZ = (32.0, 2000.0)
_PITCH_CLARITY = 0.82  # normalised autocorrelation above which a sound counts as pitched


def measure(audio: NDArray[np.float32], sample_rate: int) -> Array:
    """Return the raw descriptors (K,) float64 of mono ``audio`` (T,); all NaN for silence."""
    x = np.asarray(audio, dtype=np.float64).reshape(-1)
    out = np.full(len(DESCRIPTORS), np.nan)
    peak = np.abs(x).max() if x.size else 0.0
    if peak < 1e-5 or not np.isfinite(peak):
        return out
    power, hertz = _power_frames(x, sample_rate)
    spectrum = power.sum(0)
    total = spectrum.sum() + 1e-30
    centroid = float((np.sqrt(spectrum) * hertz).sum() / (np.sqrt(spectrum).sum() + 1e-30))
    out[0] = np.log2(max(centroid, 20.0) / 20.0)
    out[1] = max(10 * np.log10(spectrum[hertz < 150.0].sum() / total + 1e-6), -60.0)
    out[2] = _flatness_db(power, hertz)
    out[3], out[4] = _attack_and_length(x, sample_rate)
    out[5] = _loudness_db(x, sample_rate)
    out[6] = _pitch(x, sample_rate)
    return out


def quantiles(raw: Array) -> Array:
    """Return the (K, QUANTILES) table that ``normalise`` reads, of raw values (N, K)."""
    grid = np.linspace(0.0, 1.0, QUANTILES)
    table = np.zeros((raw.shape[1], QUANTILES))
    for k in range(raw.shape[1]):
        known = raw[np.isfinite(raw[:, k]), k]
        table[k] = np.quantile(known, grid) if known.size else grid
    return table


def normalise(raw: Array, table: Array) -> Array:
    """Map raw values (..., K) to ranks in 0..1 by the quantile ``table`` (K, Q); NaN stays."""
    raw = np.asarray(raw, dtype=np.float64)
    out = np.full(raw.shape, np.nan)
    for k in range(table.shape[0]):
        # ties in the table (many sounds alike) take the middle of their ranks
        low = np.searchsorted(table[k], raw[..., k], side="left")
        high = np.searchsorted(table[k], raw[..., k], side="right")
        ranks = np.interp(raw[..., k], *_strict(table[k]))
        tied = high > low
        middle = (low + high - 1) / 2 / (table.shape[1] - 1)
        value = np.where(tied, middle, ranks)
        out[..., k] = np.where(np.isfinite(raw[..., k]), value.clip(0.0, 1.0), np.nan)
    return out


def denormalise(rank: Array, table: Array) -> Array:
    """Map ranks in 0..1 (..., K) back to raw values; NaN stays NaN."""
    rank = np.asarray(rank, dtype=np.float64)
    grid = np.linspace(0.0, 1.0, table.shape[1])
    columns = [np.interp(rank[..., k], grid, table[k]) for k in range(table.shape[0])]
    return np.where(np.isfinite(rank), np.stack(columns, axis=-1), np.nan)


def index_of(names: Sequence[str]) -> list[int]:
    """Return the position of each named descriptor; ValueError names an unknown one."""
    for name in names:
        if name not in DESCRIPTORS:
            raise ValueError(f"no descriptor {name!r}; expected one of {', '.join(DESCRIPTORS)}")
    return [DESCRIPTORS.index(name) for name in names]


def _strict(row: Array) -> tuple[Array, Array]:
    """Quantile values without repeats and their ranks, for interpolation."""
    values, first = np.unique(row, return_index=True)
    return values, first / (row.size - 1)


def _power_frames(x: Array, sample_rate: int) -> tuple[Array, Array]:
    """Power spectra (frames, bins) of 46 ms frames, and the bins' frequencies."""
    size = 1 << int(np.log2(0.05 * sample_rate))
    padded = np.pad(x, (size // 4, size))
    view = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 4]
    window = np.hanning(size)
    power = np.asarray(np.abs(np.fft.rfft(view * window, axis=1)) ** 2, np.float64)
    return power, np.asarray(np.fft.rfftfreq(size, 1 / sample_rate), np.float64)


def _flatness_db(power: Array, hertz: Array) -> float:
    """Spectral flatness in third-octave-free form: per frame over 100 Hz..16 kHz, by energy."""
    band = power[:, (hertz > 100.0) & (hertz < 16_000.0)] + 1e-20
    energy = band.sum(1)
    loud = energy > energy.max() * 1e-4
    ratio_db = 10 * (np.log10(band).mean(1) - np.log10(band.mean(1)))
    weight = np.sqrt(energy[loud])
    return float(max((ratio_db[loud] * weight).sum() / weight.sum(), -80.0))


def _envelope(x: Array) -> Array:
    """RMS of _BLOCK-sample blocks."""
    blocks = np.pad(x, (0, -x.size % _BLOCK)).reshape(-1, _BLOCK)
    return np.asarray(np.sqrt((blocks**2).mean(1)))


def _attack_and_length(x: Array, sample_rate: int) -> tuple[float, float]:
    envelope = _envelope(x)
    # 6 ms moving average: a low kick's single cycles are not its envelope
    width = max(1, round(0.006 * sample_rate / _BLOCK))
    smooth = np.convolve(envelope, np.ones(width) / width, mode="same")
    peak = smooth.max()
    onset = int(np.argmax(smooth > peak * 10 ** (-30 / 20)))
    top = int(np.argmax(smooth >= 0.9 * peak))
    last = int(np.flatnonzero(smooth > peak * 10 ** (-40 / 20))[-1]) + 1
    block = _BLOCK / sample_rate
    attack = max((top - onset) * block, 0.0005)
    return float(np.log10(attack)), float(np.log10(max((last - onset) * block, 0.005)))


def _loudness_db(x: Array, sample_rate: int) -> float:
    """Loudest 200 ms after a first-order high-pass at 120 Hz, done as a spectral weight."""
    spectrum = np.fft.rfft(x, n=x.size + 1024)
    hertz = np.fft.rfftfreq(x.size + 1024, 1 / sample_rate)
    weighted = np.fft.irfft(spectrum * (hertz / np.hypot(hertz, 120.0)), n=x.size + 1024)
    sums = np.cumsum(np.concatenate([[0.0], weighted**2]))
    span = int(0.2 * sample_rate)
    padded = np.pad(sums, (0, span), mode="edge")
    loudest = float((padded[span:] - padded[:-span]).max()) / span
    return float(10 * np.log10(loudest + 1e-10))


def _pitch(x: Array, sample_rate: int) -> float:
    """Normalised autocorrelation over 0.2 s after the peak; NaN when no lag is clear."""
    start = int(np.argmax(np.abs(x)))
    part = x[start : start + int(0.2 * sample_rate)]
    if part.size < int(0.04 * sample_rate):
        part = x[: int(0.2 * sample_rate)]
    n = part.size
    longest = min(int(sample_rate / _PITCH_HZ[0]), n // 2)
    shortest = int(sample_rate / _PITCH_HZ[1])
    if longest <= shortest + 2:
        return float("nan")
    size = 1 << (2 * n - 1).bit_length()
    correlation = np.fft.irfft(np.abs(np.fft.rfft(part, size)) ** 2)[: longest + 1]
    sums = np.concatenate([[0.0], np.cumsum(part**2)])
    lags = np.arange(longest + 1)
    # energies of the two overlapping parts at each lag
    norm = np.sqrt((sums[n - lags] - sums[0]) * (sums[n] - sums[lags])) + 1e-12
    clarity = correlation / norm
    # the first dip below zero ends the lobe around lag 0
    below = np.flatnonzero(clarity < 0)
    begin = max(shortest, int(below[0]) if below.size else longest)
    if begin >= longest - 1:
        return float("nan")
    best = clarity[begin:longest].max()
    if best < _PITCH_CLARITY:
        return float("nan")
    # the first local peak nearly as high as the best avoids octave errors
    inner = clarity[begin + 1 : longest - 1]
    peaks = (inner >= clarity[begin : longest - 2]) & (inner >= clarity[begin + 2 : longest])
    good = np.flatnonzero(peaks & (inner > 0.93 * best))
    lag = begin + 1 + int(good[0]) if good.size else begin + int(np.argmax(clarity[begin:longest]))
    left, mid, right = clarity[lag - 1 : lag + 2]
    bend = left - 2 * mid + right
    shift = 0.5 * (left - right) / bend if abs(bend) > 1e-12 else 0.0
    return float(69 + 12 * np.log2(sample_rate / (lag + shift) / 440.0))
