"""Variants of a one-shot that are new sounds of the same kind: transposed, shortened, tilted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.training.audio_shard import transpose

Array = NDArray[np.float32]
_SEMITONES = 5.0
_TILT_DB = 9.0  # at the ends of the spectrum, against the middle
_PIVOT_HZ = 1000.0


def variant(sound: Array, rng: np.random.Generator, sample_rate: int) -> Array:
    """Return a variant of (T,) audio, peak 0.95: each change happens with its own chance."""
    out = sound
    if rng.random() < 0.8:
        out = transpose(out, rng.uniform(-_SEMITONES, _SEMITONES))
    if rng.random() < 0.5:
        out = tilted(out, rng.uniform(-_TILT_DB, _TILT_DB), sample_rate)
    if rng.random() < 0.35:
        out = shortened(out, rng.uniform(0.25, 0.9))
    return np.asarray(out * (0.95 / (np.abs(out).max() + 1e-9)), np.float32)


def tilted(sound: Array, tilt_db: float, sample_rate: int) -> Array:
    """Raise highs against lows by ``tilt_db`` a decade about 1 kHz, minimum phase: no pre-echo."""
    size = 1 << (2 * sound.size - 1).bit_length()
    hertz = np.fft.rfftfreq(size, 1 / sample_rate)
    gain_db = np.clip(tilt_db * np.log10(np.maximum(hertz, 20.0) / _PIVOT_HZ), -18.0, 18.0)
    cepstrum = np.fft.irfft(gain_db * np.log(10) / 20)
    fold = np.zeros(size)
    fold[0] = fold[size // 2] = 1.0
    fold[1 : size // 2] = 2.0
    response = np.exp(np.fft.rfft(cepstrum * fold))
    out = np.fft.irfft(np.fft.rfft(sound, size) * response)[: sound.size]
    return np.asarray(out, np.float32)


def shortened(sound: Array, share: float) -> Array:
    """Let (T,) audio die away by ``share`` of its length: an exponential that ends at -60 dB."""
    keep = max(int(sound.size * share), min(sound.size, 512))
    fall = np.exp(-6.9 * np.linspace(0.0, 1.0, keep) ** 1.5).astype(np.float32)
    return np.asarray(sound[:keep] * fall, np.float32)
