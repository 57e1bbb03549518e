"""Filters that learned nothing from data: the learned-profile Wiener filter and the oracle mask.

Both use one transform (Hann, 4096 samples at 44.1 and 48 kHz, hop a quarter), so that what differs
is what they are told: the spectrum of a second of noise, or every bin of sound and noise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.stft import Stft

__all__ = ["SMOOTHING", "oracle_mask", "transform", "wiener"]

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

SMOOTHING = 0.98  # of the a priori SNR
_LOWEST_DB = -25.0  # a priori SNR
_WINDOW, _AT_HZ = 4096, 48_000
_TINY = 1e-20


def transform(sample_rate: int) -> Stft:
    """About 85 ms at any rate: the power of two nearest to it."""
    window = 2 ** round(np.log2(_WINDOW * sample_rate / _AT_HZ))
    return Stft(int(window), int(window) // 4)


def wiener(mixture: FloatArray, profile: FloatArray, sample_rate: int) -> FloatArray:
    """Wiener filter with a decision-directed a priori SNR (Ephraim and Malah 1984, eq. 51).

    mixture (C, T); profile (C, P): noise alone, whose mean power spectrum is the noise's. Of each
    frame xi = a G^2 gamma of the frame before + (1 - a) max(gamma - 1, 0), G = xi / (1 + xi).
    """
    stft = transform(sample_rate)
    spectrum = _analysed(mixture, stft)
    noise = _power(_analysed(profile, stft)).mean(axis=2, keepdims=True) + _TINY
    gamma = _power(spectrum) / noise
    if not np.any(profile):
        return mixture.copy()
    lowest = 10 ** (_LOWEST_DB / 10)
    gains = np.empty_like(gamma)
    cleaned = np.ones(gamma.shape[:2]) * np.maximum(gamma[:, :, 0] - 1, 0)
    for frame in range(gamma.shape[2]):
        now = gamma[:, :, frame]
        prior = SMOOTHING * cleaned + (1 - SMOOTHING) * np.maximum(now - 1, 0)
        prior = np.maximum(prior, lowest)
        gains[:, :, frame] = prior / (1 + prior)
        cleaned = gains[:, :, frame] ** 2 * now
    return _made(spectrum, gains, stft, mixture.shape[1])


def oracle_mask(
    mixture: FloatArray, clean: FloatArray, noise: FloatArray, sample_rate: int
) -> FloatArray:
    """The mixture times |S|^2 / (|S|^2 + |N|^2) in each bin: the best that real masks promise."""
    stft = transform(sample_rate)
    sound, rest = (_power(_analysed(x, stft)) for x in (clean, noise))
    gains = (sound + _TINY) / (sound + rest + _TINY)
    return _made(_analysed(mixture, stft), gains, stft, mixture.shape[1])


def _analysed(sound: FloatArray, stft: Stft) -> FloatArray:
    """(C, 2, bins, frames) of (C, T), with silence up to a whole number of hops."""
    return stft.forward_numpy(np.pad(sound, ((0, 0), (0, -sound.shape[1] % stft.hop))))


def _power(spectrum: FloatArray) -> Floats:
    """(C, bins, frames)."""
    return np.asarray((spectrum.astype(np.float64) ** 2).sum(axis=1))


def _made(spectrum: FloatArray, gains: Floats, stft: Stft, samples: int) -> FloatArray:
    weighted = spectrum * gains[:, np.newaxis].astype(np.float32)
    return stft.inverse_numpy(weighted)[:, :samples]
