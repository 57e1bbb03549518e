"""Compare two sounds that should be alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["log_spectral_distance_db", "signal_to_noise_db"]

_FFT = 2048
_HOP = 512
_RANGE_DB = 80.0


def log_spectral_distance_db(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Root-mean-square difference of two mono sounds' spectra in dB, over the first's frames.

    Levels more than 80 dB below the first's peak count as that floor; frames in which both lie
    at the floor are left out, or silence would make every sound look well reconstructed.
    """
    left, right = _levels_db(a), _levels_db(b)
    frames = min(left.shape[0], right.shape[0])
    left, right = left[:frames], right[:frames]
    floor = left.max() - _RANGE_DB
    left, right = np.maximum(left, floor), np.maximum(right, floor)
    sounding = (left.max(axis=1) > floor) | (right.max(axis=1) > floor)
    if not sounding.any():
        return 0.0
    squares = (left[sounding] - right[sounding]) ** 2
    return float(np.sqrt(squares.mean(axis=1)).mean())


def signal_to_noise_db(clean: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """10 log10(|clean|^2 / |clean - other|^2) of two sounds of one length."""
    left, right = np.asarray(clean, dtype=np.float64), np.asarray(other, dtype=np.float64)
    noise = float(((left - right) ** 2).sum()) + 1e-20
    return float(10.0 * np.log10((float((left**2).sum()) + 1e-20) / noise))


def _levels_db(sound: npt.ArrayLike) -> npt.NDArray[np.float64]:
    padded = np.pad(np.asarray(sound, dtype=np.float64).reshape(-1), (_FFT // 2, _FFT))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_FFT), axis=1)) ** 2
    return np.asarray(10.0 * np.log10(power + 1e-12))
