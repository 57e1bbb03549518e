"""The simplest generators there are: a category's mean sound, and noise of its mean shape.

A learned generator that does not beat these has learned a mean and nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Means"]

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

_BLOCK = 256  # samples over which an envelope is averaged


@dataclass
class Means:
    """Per category: the mean waveform, mean power spectrum and mean envelope of its sounds.

    samples: T, of every sound that is made. Sounds count with their peak brought to 1.
    """

    samples: int
    counts: dict[int, int] = field(default_factory=dict)
    waves: dict[int, Floats] = field(default_factory=dict)  # (T,) sums
    powers: dict[int, Floats] = field(default_factory=dict)  # (T // 2 + 1,) sums
    envelopes: dict[int, Floats] = field(default_factory=dict)  # (blocks,) sums of power

    def add(self, category: int, sound: FloatArray) -> None:
        """Counts a training sound, (T',), in its category; what exceeds T is cut."""
        whole = np.zeros(self.samples)
        kept = np.asarray(sound, dtype=np.float64)[: self.samples]
        whole[: kept.size] = kept / max(float(np.abs(kept).max(initial=0.0)), 1e-9)
        blocks = np.pad(whole, (0, -self.samples % _BLOCK)).reshape(-1, _BLOCK)
        for sums, value in (
            (self.waves, whole),
            (self.powers, np.abs(np.fft.rfft(whole)) ** 2),
            (self.envelopes, (blocks**2).mean(axis=1)),
        ):
            sums[category] = sums.get(category, 0.0) + value
        self.counts[category] = self.counts.get(category, 0) + 1

    def mean_sound(self, category: int) -> FloatArray:
        """(T,) float32: the mean waveform, its peak brought to 0.9."""
        return _peak(self._mean(self.waves, category))

    def shaped_noise(self, category: int, rng: np.random.Generator) -> FloatArray:
        """(T,) float32: white noise given the mean spectrum, then the mean envelope."""
        noise = np.fft.rfft(rng.standard_normal(self.samples))
        power = self._mean(self.powers, category)
        coloured = np.fft.irfft(noise * np.sqrt(power), self.samples)
        rms = np.sqrt(self._mean(self.envelopes, category))
        at = (np.arange(rms.size) + 0.5) * _BLOCK
        return _peak(coloured * np.interp(np.arange(self.samples), at, rms))

    def _mean(self, sums: dict[int, Floats], category: int) -> Floats:
        """The category's mean, or that of all sounds where it is unknown or -1."""
        if category in self.counts:
            return sums[category] / self.counts[category]
        return np.asarray(sum(sums.values()) / sum(self.counts.values()))


def _peak(sound: Floats) -> FloatArray:
    loudest = max(float(np.abs(sound).max(initial=0.0)), 1e-9)
    return np.asarray(sound * (0.9 / loudest), dtype=np.float32)
