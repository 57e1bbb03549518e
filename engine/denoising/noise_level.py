"""How much noise lies in each bin: learned from a passage of noise alone, or tracked.

Tracked by minimum statistics (Martin 2001, "Noise power spectral density estimation based on
optimal smoothing and minimum statistics"): noise goes on while sounds come and go, so the least
smoothed power of the last two seconds or so is the noise's, but for a constant bias.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.denoising.frames import analyse, framed

Array = NDArray[np.float32]

FLOOR = np.float32(1e-12)  # power of a bin, -120 dB: what lies below is silence
_SMOOTHING = np.float32(0.85)
_BIAS = np.float32(2.67)  # mean over minimum of smoothed noise, measured on white noise
_PARTIAL = 3  # frames that still hold silence after it has ended, at three quarters of overlap
_PARTS, _PART_FRAMES = 8, 24  # the minimum is over this many parts, of this many frames each


class NoiseTracker:
    """Follows the noise of (rows, bins) power spectra, frame by frame."""

    def __init__(self, rows: int, bins: int) -> None:
        self.power = np.full((rows, bins), FLOOR, np.float32)
        self.sounding = np.zeros((rows, 1), np.int64)  # frames since the last digital silence
        self.started = np.zeros((rows, 1), bool)
        self.parts = np.full((_PARTS, rows, bins), np.inf, np.float32)
        self.past = np.full((rows, bins), np.inf, np.float32)  # over the parts that are whole
        self.frames = 0

    def step(self, power: Array) -> Array:
        """The noise's power (rows, bins) after one more frame of power spectra (rows, bins).

        Digital silence, and the frames after it that it still reaches into, say nothing of the
        noise. As long as nothing is known of it, it is as loud as the frame.
        """
        silent = power.max(axis=1, keepdims=True) <= 2 * FLOOR
        self.sounding = np.where(silent, 0, self.sounding + 1)
        whole = self.sounding > _PARTIAL
        moved = _SMOOTHING * self.power + (1 - _SMOOTHING) * power
        self.power = np.where(whole, np.where(self.started, moved, power), self.power)
        self.started = self.started | whole
        least = np.where(self.started, self.power, np.float32(np.inf))
        part = self.frames // _PART_FRAMES % _PARTS
        if self.frames % _PART_FRAMES == 0:
            self.past = np.delete(self.parts, part, axis=0).min(axis=0)
            self.parts[part] = least
        else:
            np.minimum(self.parts[part], least, out=self.parts[part])
        self.frames += 1
        lowest = np.minimum(self.past, self.parts[part])
        lowest = np.where(np.isfinite(lowest), lowest, power)
        return np.asarray(np.maximum(_BIAS * lowest, FLOOR))


def learned(noise: Array, size: int, hop: int) -> Array:
    """Mean power (rows, bins) of a passage of noise alone, (rows, samples).

    A passage shorter than one frame is filled with silence, at its own level.
    """
    if noise.shape[-1] < size:
        gain = np.sqrt(size / max(noise.shape[-1], 1))
        noise = np.pad(noise, ((0, 0), (0, size - noise.shape[-1]))) * np.float32(gain)
    total = np.zeros((noise.shape[0], size // 2 + 1))
    count = 0
    step = 4096 * hop  # some frames at once, so that memory stays bounded
    for begin in range(0, noise.shape[-1] - size + 1, step):
        blocks = framed(noise[:, begin : begin + step - hop + size], size, hop)
        total += (np.abs(analyse(blocks)).astype(np.float64) ** 2).sum(axis=1)
        count += blocks.shape[1]
    return np.asarray(np.maximum(total / count, FLOOR), np.float32)
