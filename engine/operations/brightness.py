"""Brightness along time: the spectral centroid, measured and imposed by tilting the spectrum."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.types import FloatArray

__all__ = ["HOP", "brightened", "centroids"]

Curve = npt.NDArray[np.float64]

HOP = 256
"""Samples a value of a brightness curve."""

_SIZE = 1024
_LOW_HZ = 20.0
_STEEPEST = 1.2  # exponent of frequency, about 7 dB an octave
_HALVINGS = 14


def centroids(mono: FloatArray, sample_rate: int) -> Curve:
    """(T,) -> (ceil(T / HOP),): octaves of the centroid above 20 Hz; NaN where it is silent."""
    magnitude = np.abs(_frames(mono))
    loud = (magnitude**2).sum(axis=1) > 1e-8 * (magnitude**2).sum(axis=1).max(initial=1e-12)
    return np.where(loud, _octaves(magnitude, sample_rate), np.nan)


def brightened(mono: FloatArray, wanted: Curve, sample_rate: int) -> FloatArray:
    """(T,) with each frame's spectrum tilted until its centroid is as wanted, its energy kept.

    wanted: octaves above 20 Hz, one each HOP samples, NaN = leave as it is. The tilt is at most
    _STEEPEST, so that a sound is never torn into what it does not hold.
    """
    spectrum = _frames(mono)
    magnitude = np.abs(spectrum)
    hertz = np.maximum(np.fft.rfftfreq(_SIZE, 1.0 / sample_rate), _LOW_HZ)
    octaves = np.log2(hertz / 1000.0)
    target = np.full(len(spectrum), np.nan)
    target[: wanted.size] = wanted[: target.size]
    if not np.isfinite(target).any():
        return mono
    low = np.full(len(spectrum), -_STEEPEST)
    high = np.full(len(spectrum), _STEEPEST)
    for _ in range(_HALVINGS):
        tilt = 0.5 * (low + high)
        darker = _octaves(magnitude * np.exp2(tilt[:, None] * octaves), sample_rate) < target
        low, high = np.where(darker, tilt, low), np.where(darker, high, tilt)
    tilt = np.where(np.isfinite(target), 0.5 * (low + high), 0.0)
    tilt = np.convolve(np.pad(tilt, 1, mode="edge"), np.ones(3) / 3.0, mode="valid")
    gain = np.exp2(tilt[:, None] * octaves)
    energy = (magnitude**2).sum(axis=1)
    after = ((magnitude * gain) ** 2).sum(axis=1)
    gain *= np.sqrt(energy / np.maximum(after, 1e-20))[:, None]
    return _joined(spectrum * gain, mono.size)


def _octaves(magnitude: Curve, sample_rate: int) -> Curve:
    hertz = np.fft.rfftfreq(_SIZE, 1.0 / sample_rate)
    centroid = (magnitude @ hertz) / (magnitude.sum(axis=1) + 1e-20)
    return np.asarray(np.log2(np.maximum(centroid, _LOW_HZ) / _LOW_HZ))


def _frames(mono: FloatArray) -> npt.NDArray[np.complex128]:
    """Spectra of frames centred on the middle of each HOP samples."""
    count = -(-mono.size // HOP)
    before = (_SIZE - HOP) // 2
    padded = np.pad(mono.astype(np.float64), (before, count * HOP - mono.size + _SIZE - before))
    view = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[::HOP][:count]
    return np.asarray(np.fft.rfft(view * _window(), axis=1))


def _joined(spectrum: npt.NDArray[np.complex128], samples: int) -> FloatArray:
    blocks = np.fft.irfft(spectrum, _SIZE, axis=1) * _window()
    out = np.zeros((len(blocks) - 1) * HOP + _SIZE)
    weight = np.zeros_like(out)
    square = np.broadcast_to(_window() ** 2, blocks.shape)
    ratio = _SIZE // HOP
    for k in range(ratio):  # every ratio-th block never overlaps the next: add them at once
        for into, part in ((out, blocks[k::ratio]), (weight, square[k::ratio])):
            flat = part.reshape(-1)
            into[k * HOP : k * HOP + flat.size] += flat
    before = (_SIZE - HOP) // 2
    kept = slice(before, before + samples)
    return np.asarray(out[kept] / np.maximum(weight[kept], 1e-6), dtype=np.float32)


def _window() -> Curve:
    return np.asarray(np.sin(np.pi * (np.arange(_SIZE) + 0.5) / _SIZE))
