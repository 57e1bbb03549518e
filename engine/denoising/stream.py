"""A denoised stream: blocks of any size go in, as many frames come out, a constant time later.

What comes out is the sound as it was and the sound without noise, aligned to the sample, so that
amount, mix and delta are plain arithmetic that may change at any moment (engine.denoising.amount).
All channels share one network and its gains: the stereo image stays where it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.denoising.answers import Answers
from engine.denoising.features import Listener
from engine.denoising.frames import analyse, framed, overlapped, synthesise
from engine.denoising.mixing import mixed

Array = NDArray[np.float32]
Power = NDArray[np.float64]

LIMIT = np.float32(8.0)
"""Samples beyond +18 dBFS are clamped: no sound needs them and networks overflow."""
_MOST_FRAMES = 64  # at once: memory stays bounded whatever the block


@dataclass(frozen=True)
class Heard:
    """The same stretch of sound as it was and without noise, (channels, samples) each."""

    dry: Array
    clean: Array


class Stream:
    """Denoises one stream. Not for two threads at once."""

    def __init__(
        self, answers: Answers, channels: int, size: int, hop: int, noise: Array | None = None
    ) -> None:
        """noise: learned power (channels or 1, bins), None = tracked."""
        self.answers, self.size, self.hop = answers, size, hop
        bins = size // 2 + 1
        if noise is not None:
            noise = np.broadcast_to(noise, (channels, bins))
        self._listener = Listener(channels, bins, noise, linked=True)
        self._waiting = np.zeros((channels, size - hop), np.float32)
        self._tail = np.zeros((channels, size - hop), np.float32)
        self._dry = np.zeros((channels, size), np.float32)
        self._clean = np.zeros((channels, hop), np.float32)
        self._learning: tuple[Power, int] | None = None
        self.removed: Power = np.zeros((channels, bins))
        self.frames = 0

    @property
    def latency_frames(self) -> int:
        """Samples from a sound's entry to its exit, for every block size."""
        return self.size

    def process(self, block: Array) -> Heard:
        """Takes (channels, n) and gives (channels, n), latency_frames later. n may be 0."""
        block = np.clip(np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0), -LIMIT, LIMIT)
        count = block.shape[1]
        self._dry = np.concatenate((self._dry, block), axis=1)
        self._waiting = np.concatenate((self._waiting, block), axis=1)
        made = [self._clean]
        while (ready := (self._waiting.shape[1] - self.size) // self.hop + 1) > 0:
            made.append(self._denoised(min(ready, _MOST_FRAMES)))
        clean = np.concatenate(made, axis=1)
        heard = Heard(self._dry[:, :count], clean[:, :count])
        self._dry, self._clean = self._dry[:, count:], clean[:, count:]
        return heard

    def learn(self, on: bool) -> None:
        """What plays from now on is noise alone (True); use what was learned since (False)."""
        if on:
            self._learning = (np.zeros_like(self.removed), 0)
        elif self._learning is not None:
            total, count = self._learning
            self._learning = None
            if count:
                self._listener.learn(np.asarray(total / count, np.float32))

    def forget(self) -> None:
        """Track the noise again instead of using what was learned."""
        self._learning = None
        self._listener.learn(None)

    def _denoised(self, frames: int) -> Array:
        """The next frames * hop finished samples, and the waiting ones moved on."""
        used = (frames - 1) * self.hop + self.size
        spectra = analyse(framed(self._waiting[:, :used], self.size, self.hop))
        self._waiting = self._waiting[:, frames * self.hop :]
        told = self._listener.step(spectra)
        made = mixed(self.answers.step(told.features), told.taps)
        removed = spectra - made
        self.removed += (removed.real**2 + removed.imag**2).sum(axis=1)
        self.frames += frames
        if self._learning is not None:
            total, count = self._learning
            power = (spectra.real**2 + spectra.imag**2).sum(axis=1)
            self._learning = (total + power, count + frames)
        sound = overlapped(synthesise(made, self.hop), self.hop)
        sound[:, : self._tail.shape[1]] += self._tail
        self._tail = sound[:, frames * self.hop :]
        return sound[:, : frames * self.hop]
