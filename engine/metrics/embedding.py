"""A sound as a vector: levels of mel bands at logarithmically spaced moments after the onset.

Made for one-shots, where the envelope of each band is most of what is heard. Distances between
vectors are in dB (root mean square over bands and moments).
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from engine.metrics.mel import mel_filters, mel_power

__all__ = ["BANDS", "MOMENTS", "embed", "embed_all", "log_mel"]

Floats = npt.NDArray[np.float64]

BANDS = 32
MOMENTS = 10
_FFT = 2048
_HOP = 256
_LOW_HZ, _HIGH_HZ = 30.0, 18_000.0
_RANGE_DB = 70.0  # what lies further below the loudest band is silence
_SECONDS = 1.0
_FIRST_SECONDS = 0.012


def embed(audio: npt.ArrayLike, sample_rate: int) -> Floats:
    """Mono (T,) or (1, T) -> (BANDS * MOMENTS,) dB below the sound's loudest band, gain removed.

    Only the first second counts; what follows the end of a shorter sound is silence.
    """
    level = log_mel(audio, sample_rate)
    level = np.maximum(level - level.max(), -_RANGE_DB) + _RANGE_DB
    edges = _moments(sample_rate)
    columns = [level[:, a:b].mean(axis=1) for a, b in itertools.pairwise(edges)]
    return np.concatenate(columns)


def embed_all(sounds: list[npt.NDArray[np.float32]], sample_rate: int) -> Floats:
    """Many sounds -> (N, BANDS * MOMENTS)."""
    return np.stack([embed(sound, sample_rate) for sound in sounds])


def log_mel(audio: npt.ArrayLike, sample_rate: int) -> Floats:
    """Mono audio -> (BANDS, frames) dB, one frame each 256 samples over the first second."""
    sound = np.asarray(audio, dtype=np.float64).reshape(-1)
    samples = int(_SECONDS * sample_rate)
    whole = np.zeros(samples + _FFT)
    kept = sound[:samples]
    whole[_FFT // 2 : _FFT // 2 + kept.size] = kept
    filters = mel_filters(sample_rate, _FFT, BANDS, _LOW_HZ, _HIGH_HZ)
    return np.asarray(10.0 * np.log10(mel_power(whole, filters, _HOP) + 1e-9))


def _moments(sample_rate: int) -> list[int]:
    """Frame numbers between which levels are averaged: MOMENTS intervals that grow."""
    seconds = np.geomspace(_FIRST_SECONDS, _SECONDS, MOMENTS)
    edges = [0]
    for second in seconds:
        edges.append(max(edges[-1] + 1, round(second * sample_rate / _HOP)))
    return edges
