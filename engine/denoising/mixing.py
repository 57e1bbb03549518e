"""What a denoiser's network answers, applied: one gain for each band, and how taps are mixed.

    answer (rows, TAPS * bands): logits; gain = sigmoid(first + GAIN_OFFSET), and the shares of
    the taps are softmax(0, others - TAP_OFFSET): frames alike to the ear are averaged, not added.

So whatever the network says, no bin gets louder than the loudest of its taps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.denoising.bands import band_of_bin
from engine.denoising.features import TAPS

Array = NDArray[np.float32]
Spectrum = NDArray[np.complex64]

GAIN_OFFSET = np.float32(1.0)
TAP_OFFSET = np.float32(2.0)
_STEEPEST = np.float32(60.0)  # beyond it exp overflows, and nothing is heard any more


def mixed(answer: Array, taps: Spectrum) -> Spectrum:
    """The denoised spectra (rows, frames, bins).

    answer: (rows, frames, TAPS * bands) float32; taps: (rows, frames, TAPS, bins).
    """
    logits = np.clip(answer, -_STEEPEST, _STEEPEST).reshape(*answer.shape[:2], TAPS, -1)
    gain = 1.0 / (1.0 + np.exp(-(logits[:, :, :1] + GAIN_OFFSET)))
    others = np.exp(logits[:, :, 1:] - TAP_OFFSET)
    shares = np.concatenate((np.ones_like(gain), others), axis=2)
    weights = gain * shares / shares.sum(axis=2, keepdims=True)
    out = (weights[..., band_of_bin(taps.shape[3])] * taps).sum(axis=2)
    return np.asarray(out, np.complex64)
