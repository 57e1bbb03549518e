"""The frames of a denoiser: a square-root Hann window before and after, three quarters overlapped.

Spectra of white noise keep its RMS: they are divided by the norm of the window.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Spectrum = NDArray[np.complex64]


@lru_cache(maxsize=8)
def window(size: int) -> Array:
    """Periodic square-root Hann window, (size,)."""
    return np.asarray(np.sin(np.pi * np.arange(size) / size), np.float32)


@lru_cache(maxsize=8)
def scale(size: int) -> np.float32:
    """The norm of the window."""
    return np.float32(np.sqrt((window(size).astype(np.float64) ** 2).sum()))


def analyse(blocks: Array) -> Spectrum:
    """Spectra (..., bins) of blocks (..., size) of samples."""
    size = blocks.shape[-1]
    return np.fft.rfft(blocks * (window(size) / scale(size)), axis=-1).astype(np.complex64)


def synthesise(spectra: Spectrum, hop: int) -> Array:
    """Blocks (..., size) which, added up hop by hop, are the sound of the spectra (..., bins)."""
    size = 2 * (spectra.shape[-1] - 1)
    gain = np.float32(2.0 * hop / size)  # overlapped squares of the window add up to size / 2 hop
    blocks = np.fft.irfft(spectra, size, axis=-1)
    return np.asarray(blocks * (window(size) * (scale(size) * gain)), np.float32)


def framed(sound: Array, size: int, hop: int) -> Array:
    """Blocks (..., frames, size) that begin every hop, as many as fit into sound (..., samples)."""
    view = np.lib.stride_tricks.sliding_window_view(sound, size, axis=-1)
    return np.asarray(view[..., ::hop, :])


def overlapped(blocks: Array, hop: int) -> Array:
    """Blocks (..., frames, size) added up hop by hop: (..., (frames - 1) * hop + size)."""
    frames, size = blocks.shape[-2:]
    out = np.zeros((*blocks.shape[:-2], (frames - 1) * hop + size), np.float32)
    ratio = size // hop
    for first in range(min(ratio, frames)):  # every ratio-th block never overlaps the next
        part = blocks[..., first::ratio, :].reshape(*blocks.shape[:-2], -1)
        out[..., first * hop : first * hop + part.shape[-1]] += part
    return out
