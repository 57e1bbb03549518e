"""Drum patterns: sixteenths of a bar, played with single hits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import soxr

from engine.denoising_evaluation.instruments import GAP_SECONDS
from engine.denoising_evaluation.noises import Floats, Maker
from engine.training import synthesis

__all__ = ["PLAYED", "Hit", "made_hit", "pattern"]

Hit = Callable[[np.random.Generator, str, int], Floats]
"""(generator, category, sample rate) -> one hit, (T,)."""

# category -> steps of sixteen on which it plays, and its level
PLAYED: Mapping[str, tuple[Sequence[int], float]] = {
    "kick": ((0, 6, 8, 11), 1.0), "snare": ((4, 12), 0.8), "tom": ((13, 15), 0.7),
    "closed_hat": ((0, 2, 4, 8, 10, 12), 0.35), "open_hat": ((14,), 0.3), "clap": ((12,), 0.5),
}  # fmt: skip
_PLAYS = 0.8  # probability of each step


def made_hit(rng: np.random.Generator, category: str, rate: int) -> Floats:
    """One synthesised hit, peak 1."""
    sound = np.asarray(synthesis.RECIPES[category][0](rng), np.float64)
    fade = min(sound.size, 220)
    sound[-fade:] *= np.linspace(1, 0, fade)
    if rate != synthesis.SAMPLE_RATE:
        sound = soxr.resample(sound, synthesis.SAMPLE_RATE, rate)
    return np.asarray(sound / (np.abs(sound).max() + 1e-9))


def pattern(hit: Hit) -> Maker:
    """A maker of patterns: one kit a call, a tempo of its own, not every step played."""

    def make(rng: np.random.Generator, samples: int, rate: int) -> Floats:
        out = np.zeros(samples)
        kit = {category: hit(rng, category, rate) for category in PLAYED}
        step_frames = rate * 60.0 / rng.uniform(84, 132) / 4
        begin = GAP_SECONDS * rate
        for number in range(int((samples - begin) / step_frames)):
            for category, (steps, level) in PLAYED.items():
                if number % 16 not in steps or (number and rng.uniform() > _PLAYS):
                    continue
                at = round(begin + number * step_frames)
                sound = kit[category][: samples - at]
                out[at : at + sound.size] += level * rng.uniform(0.6, 1) * sound
        return out

    return make
