"""Sound from magnitudes alone (Griffin & Lim 1984): what any learned vocoder must beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.metrics.mel import mel_filters

__all__ = ["HOP", "ITERATIONS", "MEL_BANDS", "griffin_lim", "inconsistency", "through_mel"]

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

HOP, ITERATIONS = 256, 60
MEL_BANDS = 80


def griffin_lim(
    magnitudes: Floats, length: int, iterations: int = ITERATIONS, *, hop: int = HOP
) -> Floats:
    """(bins, frames) magnitudes -> (length,) audio whose spectrogram comes near to them.

    Phases begin random (a fixed draw); each iteration keeps the phases of the spectrogram of the
    sound so far, and the inconsistency never rises (Griffin & Lim 1984, section III). Frames are
    of four hops, as `spectrogram` makes them.
    """
    turns = np.random.default_rng(0).uniform(0.0, 2.0 * np.pi, magnitudes.shape)
    spectrum = magnitudes * np.exp(1j * turns)
    for _ in range(iterations):
        found = spectrogram(_synthesise(spectrum, length, hop), hop)
        spectrum = magnitudes * found / np.maximum(np.abs(found), 1e-12)
    return _synthesise(spectrum, length, hop)


def inconsistency(magnitudes: Floats, audio: Floats, *, hop: int = HOP) -> float:
    """|magnitudes - |spectrogram of audio||, over |magnitudes|: 0 when they agree."""
    error = np.linalg.norm(magnitudes - np.abs(spectrogram(audio, hop)))
    return float(error / max(float(np.linalg.norm(magnitudes)), 1e-12))


def through_mel(
    audio: FloatArray, sample_rate: int, bands: int = MEL_BANDS, hop: int = HOP
) -> FloatArray:
    """(T,) -> (T,): a sound reduced to mel bands (30 Hz to 18 kHz) and made again from them.

    Magnitudes come from the bands by the filters' pseudo-inverse, negative ones set to 0.
    """
    filters = mel_filters(sample_rate, 4 * hop, bands, 30.0, 18_000.0)
    mel = filters @ np.abs(spectrogram(np.asarray(audio, dtype=np.float64), hop))
    magnitudes = np.maximum(np.linalg.pinv(filters) @ mel, 0.0)
    return griffin_lim(magnitudes, len(audio), hop=hop).astype(np.float32)


def spectrogram(audio: Floats, hop: int = HOP) -> npt.NDArray[np.complex128]:
    """(T,) -> (2 * hop + 1, frames): a frame of four hops each hop, the last beyond the end."""
    size, frames = 4 * hop, -(-len(audio) // hop) + 1
    padded = np.zeros((frames - 1) * hop + size)
    padded[size // 2 : size // 2 + len(audio)] = audio
    view = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    return np.asarray(np.fft.rfft(view * _window(size), axis=1).T)


def _synthesise(spectrum: npt.NDArray[np.complex128], length: int, hop: int) -> Floats:
    """Least-squares inverse: windowed overlap-add over the sum of squared windows."""
    size = 4 * hop
    blocks = np.fft.irfft(spectrum.T, size, axis=1) * _window(size)
    squares = np.broadcast_to(_window(size) ** 2, blocks.shape)
    total, weight = (overlap_add(x, hop) for x in (blocks, squares))
    return np.asarray((total / np.maximum(weight, 1e-8))[size // 2 : size // 2 + length])


def overlap_add(blocks: Floats, hop: int) -> Floats:
    """Blocks (frames, k * hop) added up, each a hop after the last: ((frames - 1 + k) * hop,)."""
    ratio = blocks.shape[1] // hop
    out = np.zeros((len(blocks) + ratio - 1, hop))
    for part in range(ratio):
        out[part : part + len(blocks)] += blocks[:, part * hop : (part + 1) * hop]
    return out.reshape(-1)


def _window(size: int) -> Floats:
    return np.asarray(0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size))
