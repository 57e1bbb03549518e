"""What a network of waveforms makes of sounds, so that all of them is about equally loud.

Of an average drum the low tones are 25 dB above the high ones and the onset is 15 dB above what
follows; a diffusion model's error is white and even, and would drown the rest. First differences
(pre-emphasis, as speech coders have it) and a falling envelope that every sound is divided by even
that out, and are undone exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import RecipeError

__all__ = ["Emphasis"]

Floats = NDArray[np.float32]
_FALL = 1000.0  # by which the envelope falls in its time: 60 dB
_LOWEST = 0.01
_FORGOTTEN = 1e-7  # of an old sample's part in the running sum


@dataclass(frozen=True)
class Emphasis:
    """Table [data.emphasis] of a recipe; the zeros of its defaults change nothing."""

    difference: float = 0.0  # a of x[n] - a x[n - 1]; 0.95 evens out drums
    decay_seconds: float = 0.0  # in which the envelope falls by 60 dB, 40 at most; 0 = none

    def __post_init__(self) -> None:
        if not 0.0 <= self.difference < 1.0 or self.decay_seconds < 0.0:
            raise RecipeError(
                f"emphasis has difference {self.difference} and decay_seconds "
                f"{self.decay_seconds}; expected 0 to below 1, and 0 or more"
            )

    def emphasised(self, audio: Floats, sample_rate: int) -> Floats:
        """Sounds (..., T) as the network sees them; they begin with their onset."""
        out = np.array(audio, np.float32)
        if self.difference:
            out[..., 1:] -= np.float32(self.difference) * audio[..., :-1]
        return out / self._envelope(out.shape[-1], sample_rate)

    def restored(self, x: Floats, sample_rate: int) -> Floats:
        """The inverse of ``emphasised``: (..., T) to (..., T)."""
        out = np.asarray(x, np.float32) * self._envelope(x.shape[-1], sample_rate)
        if not self.difference:
            return out
        length = int(np.ceil(np.log(_FORGOTTEN) / np.log(self.difference)))
        weights = self.difference ** np.arange(length)
        rows = [np.convolve(row, weights)[: row.size] for row in out.reshape(-1, out.shape[-1])]
        return np.asarray(np.stack(rows).reshape(out.shape), np.float32)

    def _envelope(self, samples: int, sample_rate: int) -> Floats:
        if not self.decay_seconds:
            return np.ones(samples, np.float32)
        seconds = np.arange(samples) / sample_rate
        fallen = _FALL ** (-seconds / self.decay_seconds)
        return np.asarray(np.maximum(fallen, _LOWEST), np.float32)
