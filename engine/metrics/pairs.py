"""Compare two sounds that should be alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.metrics.mel import mel_filters, mel_power

__all__ = ["log_spectral_distance_db", "mel_distance_db", "si_sdr_db", "signal_to_noise_db"]

_FFT = 2048
_HOP = 512
_RANGE_DB = 80.0
_MEL_RESOLUTIONS = ((2048, 80), (1024, 64), (512, 40))  # samples of a window, bands


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


def mel_distance_db(
    a: npt.ArrayLike, b: npt.ArrayLike, sample_rate: int, *, gain_free: bool = False
) -> float:
    """Multi-resolution mel-spectral distance of two mono sounds: mean |difference| in dB.

    The mean over windows of 2048, 1024 and 512 samples (hop a quarter), of log-mel levels
    from 30 Hz to 18 kHz, as the multi-resolution losses of Yamamoto et al. 2020 and Kumar
    et al. 2023 are taken. Levels more than 80 dB below a's peak count as that floor; frames in
    which both lie there are left out. The shorter sound ends in silence.
    gain_free: the peak level of each sound is brought to 0 dB first.
    """
    left, right = (np.asarray(x, dtype=np.float64).reshape(-1) for x in (a, b))
    length = max(left.size, right.size)
    distances = []
    for fft, bands in _MEL_RESOLUTIONS:
        filters = mel_filters(sample_rate, fft, bands, 30.0, 18_000.0)
        levels = []
        for sound in (left, right):
            padded = np.pad(sound, (fft // 2, length - sound.size + fft))
            level = 10.0 * np.log10(mel_power(padded, filters, fft // 4) + 1e-12)
            levels.append(level - level.max() if gain_free else level)
        floor = levels[0].max() - _RANGE_DB
        one, other = (np.maximum(level, floor) for level in levels)
        sounding = (one.max(axis=0) > floor) | (other.max(axis=0) > floor)
        difference = np.abs(one - other)[:, sounding]
        distances.append(float(difference.mean()) if sounding.any() else 0.0)
    return float(np.mean(distances))


def si_sdr_db(clean: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al. 2019, eq. 5) of two sounds.

    10 log10(|alpha s|^2 / |alpha s - other|^2), alpha = <other, s> / |s|^2, s the clean sound;
    both (T,) of one length, their means removed. A copy at any gain gives over 150 dB.
    """
    left, right = (np.asarray(x, dtype=np.float64).reshape(-1) for x in (clean, other))
    left, right = left - left.mean(), right - right.mean()
    energy = float(left @ left)
    target = left * (float(right @ left) / energy if energy else 0.0)
    kept, lost = float((target**2).sum()), float(((target - right) ** 2).sum())
    total = kept + lost
    if not total:
        return 0.0
    return float(10.0 * np.log10((kept / total + 1e-20) / (lost / total + 1e-20)))


def _levels_db(sound: npt.ArrayLike) -> npt.NDArray[np.float64]:
    padded = np.pad(np.asarray(sound, dtype=np.float64).reshape(-1), (_FFT // 2, _FFT))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_FFT), axis=1)) ** 2
    return np.asarray(10.0 * np.log10(power + 1e-12))
