"""Triangular mel filters, and a sound's levels in their bands."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["mel_filters", "mel_power"]

Floats = npt.NDArray[np.float64]


@lru_cache(maxsize=16)
def mel_filters(sample_rate: int, fft: int, bands: int, low_hz: float, high_hz: float) -> Floats:
    """Triangles evenly spaced in mel, (bands, fft // 2 + 1); each sums to 1."""
    mel = np.linspace(_mel(low_hz), _mel(min(high_hz, sample_rate / 2.0)), bands + 2)
    hertz = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    bins = np.fft.rfftfreq(fft, 1.0 / sample_rate)
    rise = (bins - hertz[:-2, None]) / (hertz[1:-1] - hertz[:-2])[:, None]
    fall = (hertz[2:, None] - bins) / (hertz[2:] - hertz[1:-1])[:, None]
    triangles = np.maximum(0.0, np.minimum(rise, fall))
    for band, row in enumerate(triangles):  # the lowest bands are narrower than a bin
        if not row.any():
            row[np.argmin(np.abs(bins - hertz[band + 1]))] = 1.0
    return np.asarray(triangles / triangles.sum(axis=1, keepdims=True))


def mel_power(whole: Floats, filters: Floats, hop: int) -> Floats:
    """Power in mel bands, (bands, frames), of audio that is padded already.

    whole: (T,). filters: (bands, fft // 2 + 1); the window is a Hann window of fft samples.
    """
    fft = 2 * (filters.shape[1] - 1)
    frames = np.lib.stride_tricks.sliding_window_view(whole, fft)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(fft), axis=1)) ** 2
    return np.asarray((power @ filters.T).T)


def _mel(hertz: float) -> float:
    return float(2595.0 * np.log10(1.0 + hertz / 700.0))
