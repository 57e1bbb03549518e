"""The STFT before the encoder and after the decoder, in NumPy.

Zeros of (fft - hop) / 2 on both sides, so frame i is centred on sample i * hop + hop / 2; the
window is a periodic Hann and spectra are divided by its norm. tests/unit/test_runtime.py holds
this to the definition in engine.codecs.stft, which trains the networks.
Spectra are (B, 2, bins, frames) float32: channel 0 is the real, 1 the imaginary part.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


def analyse(audio: FloatArray, n_fft: int, hop: int) -> FloatArray:
    """(B, T) -> (B, 2, bins, T / hop); T must be a multiple of hop."""
    if audio.shape[1] % hop:
        raise ValueError(f"{audio.shape[1]} samples; expected a multiple of the hop, {hop}")
    pad = (n_fft - hop) // 2
    padded = np.pad(audio, ((0, 0), (pad, pad)))
    view = np.lib.stride_tricks.sliding_window_view(padded, n_fft, axis=1)[:, ::hop]
    spectrum = np.fft.rfft(view * (_window(n_fft) / _norm(n_fft)), axis=2).swapaxes(1, 2)
    return np.stack((spectrum.real, spectrum.imag), axis=1).astype(np.float32, copy=False)


def synthesise(spectrum: FloatArray, n_fft: int, hop: int) -> FloatArray:
    """(B, 2, bins, frames) -> (B, frames * hop): windowed overlap-add."""
    batch, _, _, frames = spectrum.shape
    values = np.empty((batch, frames, n_fft // 2 + 1), dtype=np.complex64)
    values.real = spectrum[:, 0].swapaxes(1, 2)
    values.imag = spectrum[:, 1].swapaxes(1, 2)
    blocks = np.fft.irfft(values, n_fft, axis=2) * (_window(n_fft) * _norm(n_fft))
    out = np.zeros((batch, (frames - 1) * hop + n_fft), dtype=np.float32)
    ratio = n_fft // hop
    for k in range(ratio):  # every ratio-th block never overlaps the next: add them at once
        part = blocks[:, k::ratio].reshape(batch, -1)
        out[:, k * hop : k * hop + part.shape[1]] += part
    pad = (n_fft - hop) // 2
    out = out[:, pad : pad + frames * hop]
    out /= _envelope(n_fft, hop, frames)
    return out


@lru_cache(maxsize=8)
def _window(n_fft: int) -> FloatArray:
    turn = 2.0 * np.pi * np.arange(n_fft) / n_fft
    return np.asarray(0.5 - 0.5 * np.cos(turn), dtype=np.float32)


@lru_cache(maxsize=8)
def _norm(n_fft: int) -> np.float32:
    return np.float32(np.sqrt((_window(n_fft).astype(np.float64) ** 2).sum()))


@lru_cache(maxsize=64)
def _envelope(n_fft: int, hop: int, frames: int) -> FloatArray:
    """Sum of the squared windows over the kept samples; never zero."""
    square = _window(n_fft).astype(np.float64) ** 2
    total = np.zeros((frames - 1) * hop + n_fft)
    for frame in range(frames):
        total[frame * hop : frame * hop + n_fft] += square
    pad = (n_fft - hop) // 2
    return np.asarray(total[pad : pad + frames * hop], dtype=np.float32)
