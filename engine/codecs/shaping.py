"""Noise in the spectrum that mel frames describe: the prior of SpecGrad, as a change of variable.

SpecGrad (Koizumi et al. 2022, arXiv 2203.16749) diffuses with noise that a filter L, made of the
mel frames, has given their spectrum, and weighs errors by the inverse of L. The same is to diffuse
z = inverse(L) x with white noise and to filter what comes out:

| paper                       | here                                                |
|-----------------------------|-----------------------------------------------------|
| L = G^+ M G (section 3.2)   | shaped: short-time transform, gains, its inverse    |
| inverse(L)                  | flattened: the reciprocal gains                     |

``matched`` then repeats what the filter does once: it turns the bands of a sound towards those that
are asked for, and leaves the phases to it. All take audio (T,) and frames (bands, ceil(T / hop)) of
engine.conditioning.frames.mel, and return (T,) float32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.conditioning.frames import mel_amplitude, mel_filters
from engine.stft import Stft

__all__ = ["flattened", "matched", "shaped"]

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
_MOST_TURN = 20.0  # a band is turned up or down by this factor at most in a round


def shaped(z: Floats, frames: Floats, sample_rate: int, hop: int) -> Floats:
    """White z in the spectrum of the frames."""
    return _filtered(z, _gains(frames, sample_rate, hop), hop)


def flattened(audio: Floats, frames: Floats, sample_rate: int, hop: int) -> Floats:
    """z of about unit variance where the frames sound, with shaped(z) near to ``audio``."""
    return _filtered(audio, 1.0 / _gains(frames, sample_rate, hop), hop)


def matched(audio: Floats, frames: Floats, sample_rate: int, hop: int, rounds: int) -> Floats:
    """Audio whose own mel frames are brought nearer to ``frames`` in each of ``rounds``."""
    filters = mel_filters(sample_rate, 4 * hop, frames.shape[0])
    wanted, lowest = mel_amplitude(frames), float(mel_amplitude(np.float32(-1.0)))
    stft, share = Stft(4 * hop, hop), _share(filters)
    x = _whole(audio, hop)
    for _ in range(rounds):
        spectrum = stft.forward_numpy(x)
        amplitude = np.hypot(spectrum[0, 0], spectrum[0, 1]) * _amplitude(stft)
        turn = wanted / np.maximum(filters @ amplitude, lowest)
        turn = np.exp(share.T @ np.log(np.clip(turn, 1.0 / _MOST_TURN, _MOST_TURN)))
        x = stft.inverse_numpy(spectrum * turn.astype(np.float32))
    return x[0, : audio.size]


def _gains(frames: Floats, sample_rate: int, hop: int) -> Doubles:
    """Of each bin and frame, (bins, L): white noise of unit variance gets the bands' levels."""
    filters = mel_filters(sample_rate, 4 * hop, frames.shape[0])
    level = _share(filters).T @ np.log(mel_amplitude(frames))
    return np.asarray(np.exp(level) / _amplitude(Stft(4 * hop, hop)))


def _amplitude(stft: Stft) -> float:
    """What a bin of its spectra is multiplied by to be that of a full-scale sine at amplitude 1."""
    return float(2.0 * stft.scale / stft.window.sum())


def _share(filters: Doubles) -> Doubles:
    """(bands, bins): each bin's share of the bands, 1 in all; beyond them the nearest band's."""
    share = filters / filters.max(axis=1, keepdims=True)
    peaks = np.argmax(filters, axis=1)
    for bin_ in np.flatnonzero(share.sum(axis=0) < 1e-6):
        share[np.argmin(np.abs(peaks - bin_)), bin_] = 1.0
    return np.asarray(share / share.sum(axis=0))


def _filtered(x: Floats, gains: Doubles, hop: int) -> Floats:
    stft = Stft(4 * hop, hop)
    spectrum = stft.forward_numpy(_whole(x, hop)) * gains.astype(np.float32)
    return stft.inverse_numpy(spectrum)[0, : x.size]


def _whole(x: Floats, hop: int) -> Floats:
    """(T,) to (1, T) with silence up to a whole number of hops."""
    return np.pad(np.asarray(x, np.float32), (0, -x.size % hop))[None]
