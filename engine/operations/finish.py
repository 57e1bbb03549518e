"""The last touches on every sound: exact length, no DC, no click, no clipping, 24-bit grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.errors import VoiceError

FloatArray = npt.NDArray[np.float32]

PEAK = 0.99
USUAL_PEAK = 0.9
"""Where sounds are brought to when nothing was said about their loudness."""

MOST_GAIN = 16.0
GRID = float(2**23)
"""Samples are multiples of 1 / GRID, so that 24-bit files keep them to the bit."""

_HIGHPASS_HZ = 8.0
_FADE_IN_SECONDS = 0.0003
_FADE_OUT_SECONDS = 0.008  # at a cut that was asked for
_LONG_FADE_SECONDS = 0.3  # where the voice itself ends before the clip does


def finish(
    audio: FloatArray,
    samples: int,
    sample_rate: int,
    *,
    level: bool = False,
    highpass: bool = True,
) -> FloatArray:
    """(C, T) float32 of any length -> (C, samples) float32 on the 24-bit grid, |x| <= PEAK.

    Longer sounds are cut, shorter ones end in silence; both ends are faded, so that a cut does
    not click. level: bring the peak to USUAL_PEAK, with a gain of at most MOST_GAIN; otherwise
    only what is too loud is turned down. highpass: False for what has no DC already. Raises
    VoiceError when a sample is not finite (a broken voice).
    """
    if not np.isfinite(audio).all():
        raise VoiceError("the voice made samples that are not finite; install the voice again")
    sound = audio.astype(np.float64)
    sound = (without_dc(sound, sample_rate) if highpass else sound)[:, :samples]
    sounding = sound.shape[1]
    rise = min(round(_FADE_IN_SECONDS * sample_rate), sounding // 4)
    fade_seconds = _FADE_OUT_SECONDS if sounding == samples else _LONG_FADE_SECONDS
    fall = min(round(fade_seconds * sample_rate), sounding // 4)
    sound[:, :rise] *= _half_cosine(rise)
    sound[:, sounding - fall :] *= _half_cosine(fall)[::-1]
    peak = float(np.abs(sound).max(initial=0.0))
    if level and peak > 0.0:
        sound *= min(USUAL_PEAK / peak, MOST_GAIN)
    elif peak > PEAK:
        sound *= PEAK / peak
    finished = np.zeros((audio.shape[0], samples), dtype=np.float32)
    finished[:, :sounding] = np.rint(sound * GRID) / GRID
    return finished


def _half_cosine(length: int) -> npt.NDArray[np.float64]:
    """Rises from near 0 to near 1."""
    return 0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(length, 1))


def without_dc(
    sound: npt.NDArray[np.float64], sample_rate: int, *, below_hz: float = _HIGHPASS_HZ
) -> npt.NDArray[np.float64]:
    """(C, T) without what lies below the audible: a zero-phase high-pass, second order."""
    length = sound.shape[1]
    size = 1 << (length + sample_rate // 8).bit_length()  # room, so that nothing wraps round
    hertz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    square = hertz**2
    weight = square / (square + below_hz**2)
    kept = np.fft.irfft(np.fft.rfft(sound, size, axis=1) * weight)
    return np.ascontiguousarray(kept[:, :length])
