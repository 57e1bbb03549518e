"""Sound from magnitudes alone (Griffin & Lim 1984): what any learned vocoder must beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.metrics.mel import mel_filters

__all__ = ["FFT", "HOP", "ITERATIONS", "MEL_BANDS", "griffin_lim", "inconsistency", "through_mel"]

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

FFT, HOP, ITERATIONS = 1024, 256, 60
MEL_BANDS = 80


def griffin_lim(magnitudes: Floats, length: int, iterations: int = ITERATIONS) -> Floats:
    """(bins, frames) magnitudes -> (length,) audio whose spectrogram comes near to them.

    Phases begin random (a fixed draw); each iteration keeps the phases of the spectrogram of the
    sound so far, and the inconsistency never rises (Griffin & Lim 1984, section III). Frames are
    of FFT samples with hop HOP, as `spectrogram` makes them.
    """
    turns = np.random.default_rng(0).uniform(0.0, 2.0 * np.pi, magnitudes.shape)
    spectrum = magnitudes * np.exp(1j * turns)
    for _ in range(iterations):
        found = spectrogram(_synthesise(spectrum, length))
        spectrum = magnitudes * found / np.maximum(np.abs(found), 1e-12)
    return _synthesise(spectrum, length)


def inconsistency(magnitudes: Floats, audio: Floats) -> float:
    """|magnitudes - |spectrogram of audio||, over |magnitudes|: 0 when they agree."""
    error = np.linalg.norm(magnitudes - np.abs(spectrogram(audio)))
    return float(error / max(float(np.linalg.norm(magnitudes)), 1e-12))


def through_mel(audio: FloatArray, sample_rate: int, bands: int = MEL_BANDS) -> FloatArray:
    """(T,) -> (T,): a sound reduced to mel bands (30 Hz to 18 kHz) and made again from them.

    Magnitudes come from the bands by the filters' pseudo-inverse, negative ones set to 0.
    """
    filters = mel_filters(sample_rate, FFT, bands, 30.0, 18_000.0)
    mel = filters @ np.abs(spectrogram(np.asarray(audio, dtype=np.float64)))
    magnitudes = np.maximum(np.linalg.pinv(filters) @ mel, 0.0)
    return griffin_lim(magnitudes, len(audio)).astype(np.float32)


def spectrogram(audio: Floats) -> npt.NDArray[np.complex128]:
    """(T,) -> (FFT // 2 + 1, frames): a frame each HOP samples, the last beyond the end."""
    frames = -(-len(audio) // HOP) + 1
    padded = np.zeros((frames - 1) * HOP + FFT)
    padded[FFT // 2 : FFT // 2 + len(audio)] = audio
    view = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    return np.asarray(np.fft.rfft(view * _window(), axis=1).T)


def _synthesise(spectrum: npt.NDArray[np.complex128], length: int) -> Floats:
    """Least-squares inverse: windowed overlap-add over the sum of squared windows."""
    blocks = np.fft.irfft(spectrum.T, FFT, axis=1) * _window()
    squares = np.broadcast_to(_window() ** 2, blocks.shape)
    total, weight = (_overlap_add(x) for x in (blocks, squares))
    return np.asarray((total / np.maximum(weight, 1e-8))[FFT // 2 : FFT // 2 + length])


def _overlap_add(blocks: Floats) -> Floats:
    out = np.zeros((len(blocks) - 1) * HOP + FFT)
    ratio = FFT // HOP
    for k in range(ratio):  # every ratio-th block never overlaps the next: add them at once
        part = blocks[k::ratio].reshape(-1)
        out[k * HOP : k * HOP + part.size] += part
    return out


def _window() -> Floats:
    return np.asarray(0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(FFT) / FFT))
