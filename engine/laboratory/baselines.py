"""Baselines as rows of a comparison: real sounds, a category's mean, shaped noise, Griffin-Lim."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from engine.codecs.shaping import matched, shaped
from engine.conditioning.frames import FrameSettings, mel_frames
from engine.laboratory.subjects import Sounds
from engine.metrics.griffin_lim import HOP, ITERATIONS, MEL_BANDS, through_mel
from engine.metrics.measure import SEED, Real

__all__ = ["NOISY", "NOISY_DB", "REAL", "griffin_lim", "made_baselines", "noise_of_frames", "noisy"]

FloatArray = npt.NDArray[np.float32]

REAL = "real: training sounds"
NOISY_DB = 10.0
NOISY = f"floor: noisy at {NOISY_DB:.0f} dB"


def made_baselines(real: Real) -> Iterator[tuple[str, Sounds]]:
    """Name and sounds, one for each held-out sound and of its category, at real.sample_rate.

    The first are training sounds themselves: what a generator that copies would score.
    """
    yield REAL, Sounds(real.twins, 0, 0.0)
    rng = np.random.default_rng(SEED)
    kinds = [int(category) for category in real.held_categories]
    yield "floor: shaped noise", _timed(lambda kind: real.means.shaped_noise(kind, rng), kinds)
    yield "floor: mean sound", _timed(real.means.mean_sound, kinds)


def griffin_lim(
    sounds: Sequence[FloatArray], sample_rate: int, bands: int = MEL_BANDS, hop: int = HOP
) -> tuple[str, Sounds]:
    """Name and sounds: each (T,) reduced to mel bands and made again without learning anything."""
    begun = time.perf_counter()
    made = [through_mel(sound, sample_rate, bands, hop) for sound in sounds]
    name = f"floor: Griffin-Lim, {ITERATIONS} iterations, {bands} bands each {hop}"
    return name, Sounds(made, 0, _each_ms(begun, len(made)))


def noise_of_frames(
    sounds: Sequence[FloatArray], sample_rate: int, told: FrameSettings
) -> tuple[str, Sounds]:
    """Name and sounds: noise in the spectrum of each sound's mel frames, matched as told."""
    begun = time.perf_counter()
    rng = np.random.default_rng(SEED)
    hop, made = told.hop, []
    for sound in sounds:
        frames = mel_frames(sound, sample_rate, told)
        noise = rng.standard_normal(hop * frames.shape[1]).astype(np.float32)
        whole = shaped(noise, frames, sample_rate, hop)
        made.append(matched(whole, frames, sample_rate, hop, told.matched)[: len(sound)])
    name = f"floor: noise of {told.bands} bands each {hop}"
    return name, Sounds(made, 0, _each_ms(begun, len(made)))


def noisy(sounds: Sequence[FloatArray]) -> list[FloatArray]:
    """Each sound with white noise NOISY_DB below its own mean power."""
    rng = np.random.default_rng(SEED)
    made = []
    for sound in sounds:
        level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) * 10 ** (-NOISY_DB / 20)
        made.append(np.asarray(sound + level * rng.standard_normal(len(sound)), np.float32))
    return made


def _timed(make: Callable[[int], FloatArray], kinds: Sequence[int]) -> Sounds:
    begun = time.perf_counter()
    made = [make(kind) for kind in kinds]
    return Sounds(made, 0, _each_ms(begun, len(made)))


def _each_ms(begun: float, count: int) -> float:
    return (time.perf_counter() - begun) * 1000.0 / max(1, count)
