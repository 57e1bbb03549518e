"""What a denoiser's network is told of each frame, and what its answer is applied to.

Per band, each brought to about -1..3: the posterior SNR of this frame, of a short and of a longer
mean, how steady the phase turns over LAGS (1 = a pure tone), the level of the sound and of the
noise against the loudness of the last second, and whether the noise was learned.

A tone's frames differ by a turn of their phase. The turns are measured along the way, earlier
frames are turned to where this one is, and the network mixes them: that is a filter over frames
whose weights are plain numbers, after the multi-frame filters of Benesty, Chen and Huang 2011.

Everything here is computed frame by frame, from a state, alike in training and live.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.denoising.bands import banded
from engine.denoising.noise_level import FLOOR, NoiseTracker

Array = NDArray[np.float32]
Spectrum = NDArray[np.complex64]
Numbers = TypeVar("Numbers", NDArray[np.float32], NDArray[np.complex64])

LAGS = (2, 4)
"""How many frames ago the frames are that are turned and mixed in."""
PLANES = 6 + len(LAGS)
"""Numbers that the network is told of each band."""
TAPS = 1 + len(LAGS)
"""Versions of a frame that the network mixes: itself, and those of LAGS ago, turned."""
_FAST, _SLOW, _TURN, _LOUD = (np.float32(a) for a in (0.6, 0.93, 0.8, 0.985))
_LOW, _HIGH = np.float32(-2.0), np.float32(4.0)


@dataclass(frozen=True)
class Told:
    """features (rows, frames, PLANES, bands); taps (rows, frames, TAPS, bins), turned frames.

    The features of linked rows are one row.
    """

    features: Array
    taps: Spectrum


class Listener:
    """Turns spectra (rows, frames, bins) into Told; holds all that it remembers of earlier ones.

    noise: learned power (rows, bins), None = tracked. linked: the rows are channels of one sound,
    and what is told is of all of them: mean powers, mean steadiness.
    """

    def __init__(
        self, rows: int, bins: int, noise: Array | None = None, *, linked: bool = False
    ) -> None:
        self.linked = linked
        self.tracker = NoiseTracker(rows, bins)
        self.learn(noise)
        self.past = np.zeros((rows, max(LAGS), bins), np.complex64)
        self.turns = [np.zeros((rows, bins), np.complex64) for _ in LAGS]
        self.weights = [np.zeros((rows, bins), np.float32) for _ in LAGS]
        self.fast: Array | None = None
        self.slow: Array | None = None
        self.loud = np.zeros((1 if linked else rows, 1), np.float32)

    def learn(self, noise: Array | None) -> None:
        """From now on the noise has this power (rows, bins); None = it is tracked."""
        self.noise: Array | None = None if noise is None else np.maximum(noise, FLOOR)

    def step(self, spectra: Spectrum) -> Told:
        """The next frames, one or more; alike for any division of a sound into steps."""
        power = np.maximum(spectra.real**2 + spectra.imag**2, FLOOR)
        tracked = _over_time(self.tracker.step, power)
        noise = tracked if self.noise is None else np.broadcast_to(self.noise[:, None], power.shape)
        fast, self.fast = smoothed(power, self.fast, _FAST)
        slow, self.slow = smoothed(power, self.slow, _SLOW)
        mean = self._one(power.mean(axis=2, keepdims=True))
        loud = np.log(_over_time(self._loudest, mean) + FLOOR)
        whole = np.concatenate((self.past, spectra), axis=1)
        taps, steady = [spectra], []
        for index, lag in enumerate(LAGS):
            first = max(LAGS) - lag
            before = whole[:, first : first + spectra.shape[1]]
            turn = spectra * before.conj()
            turns, self.turns[index] = smoothed(turn, self.turns[index], _TURN)
            weights, self.weights[index] = smoothed(np.abs(turn), self.weights[index], _TURN)
            length = np.abs(turns)
            steady.append(length / (weights + FLOOR))
            taps.append(before * (turns / (length + FLOOR)))
        self.past = whole[:, -max(LAGS) :].copy()
        level = np.log(banded(self._one(np.stack((power, fast, slow, noise), axis=2))))
        told = (
            (level[:, :, :3] - level[:, :, 3:]) / 3.0,
            (level[:, :, ::3] - loud[:, :, None]) / 3.0 + 1.0,
            2.0 * banded(self._one(np.stack(steady, axis=2))) - 1.0,
            np.full_like(level[:, :, :1], self.noise is not None),
        )
        features = np.clip(np.concatenate(told, axis=2), _LOW, _HIGH)
        return Told(np.asarray(features, np.float32), np.stack(taps, axis=2))

    def _one(self, values: Array) -> Array:
        """The mean of linked rows as one row."""
        return values.mean(axis=0, keepdims=True) if self.linked and len(values) > 1 else values

    def _loudest(self, mean: Array) -> Array:
        self.loud = np.maximum(_LOUD * self.loud, mean)
        return self.loud


def smoothed(values: Numbers, before: Numbers | None, keep: np.float32) -> tuple[Numbers, Numbers]:
    """Exponential means over time of (rows, frames, n) after ``before`` (rows, n), and the last.

    before = None begins at the first frame.
    """
    out = np.empty_like(values)
    last = values[:, 0].copy() if before is None else before
    gain = np.float32(1.0) - keep
    for frame in range(values.shape[1]):
        last = last + gain * (values[:, frame] - last)
        out[:, frame] = last
    return out, last


def _over_time(step: Callable[[Array], Array], values: Array) -> Array:
    """step of every frame of (rows, frames, n)."""
    return np.stack([step(values[:, frame]) for frame in range(values.shape[1])], axis=1)
