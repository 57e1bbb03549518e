"""Noises made from nothing, each a family: three are those of training, two are never trained on.

A maker takes a generator, a number of samples and a sample rate, and returns (T,) float64 of any
level: the protocol sets the level.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.training.noises import NOISES

__all__ = ["MADE", "NEVER_TRAINED", "Floats", "Maker", "coloured"]

Floats = NDArray[np.float64]
Maker = Callable[[np.random.Generator, int, int], Floats]

NEVER_TRAINED = ("motor", "surf")
"""Families of MADE that no denoiser of Driftwave may be trained on; engine.denoising.split names
those of recordings."""

_ROOM = 4096  # samples at both ends of a filtered noise that are cut off


def coloured(rng: np.random.Generator, samples: int, rate: int, slope_db: float) -> Floats:
    """Gaussian noise whose spectrum falls by -slope_db an octave above 20 Hz."""
    return _filtered(rng, samples, rate, lambda hertz: (np.maximum(hertz, 20) / 1000) ** (
        slope_db / 6.0206
    ))  # fmt: skip


def white(rng: np.random.Generator, samples: int, _rate: int) -> Floats:
    """Equal power at all frequencies."""
    return rng.standard_normal(samples)


def pink(rng: np.random.Generator, samples: int, rate: int) -> Floats:
    """3 dB less an octave."""
    return coloured(rng, samples, rate, -3.0103)


def fan(rng: np.random.Generator, samples: int, rate: int) -> Floats:
    """Rushing air, beaten by blades, with their tone."""
    air = _filtered(rng, samples, rate, lambda hertz: 1 / (1 + (hertz / 600.0) ** 1.2))
    blade = rng.uniform(60, 160)
    t = np.arange(samples) / rate
    beat = (
        1 + 0.25 * np.sin(2 * np.pi * blade * t) + 0.1 * np.sin(2 * np.pi * rng.uniform(1, 4) * t)
    )
    return np.asarray(air * beat + 0.3 * air.std() * np.sin(2 * np.pi * 2 * blade * t))


def motor(rng: np.random.Generator, samples: int, rate: int) -> Floats:
    """An engine: pulses at a wandering rate through two resonances. Never trained on."""
    drift = _filtered(rng, samples, rate, lambda hertz: 1 / (1 + (hertz / 1.0) ** 2))
    pulse = rng.uniform(25, 55) * (1 + 0.05 * drift / (drift.std() + 1e-12))
    phase = np.cumsum(pulse) / rate
    bangs = np.exp(-8 * (phase % 1.0)) * (1 + 0.3 * np.sin(2 * np.pi * phase / 4))
    bangs += 0.15 * rng.standard_normal(samples) * bangs
    low, high = rng.uniform(90, 180), rng.uniform(500, 1400)
    return _shaped(bangs - bangs.mean(), rate, lambda hertz: (
        1 / (1 + ((hertz - low) / 60) ** 2) + 0.4 / (1 + ((hertz - high) / 250) ** 2) + 0.02
    ))  # fmt: skip


def surf(rng: np.random.Generator, samples: int, rate: int) -> Floats:
    """Breakers: noise that swells over seconds and grows brighter as it does. Never trained on."""
    t = np.arange(samples) / rate
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * (t / rng.uniform(1.8, 3.0) + rng.uniform()))
    low = coloured(rng, samples, rate, -4.5)
    high = _filtered(rng, samples, rate, lambda hertz: hertz / (hertz + 900.0))
    return np.asarray((0.3 + swell) * low / low.std() + swell**3 * high / high.std())


def _trained(name: str) -> Maker:
    """A family as training makes it."""

    def make(rng: np.random.Generator, samples: int, rate: int) -> Floats:
        return np.asarray(NOISES[name](rng, samples, rate), np.float64)

    return make


MADE: dict[str, Maker] = {
    "white": white, "pink": pink, "hum": _trained("hum"), "tape": _trained("tape"), "fan": fan,
    "crackle": _trained("crackle"), "motor": motor, "surf": surf,
}  # fmt: skip


def _filtered(
    rng: np.random.Generator, samples: int, rate: int, weight: Callable[[Floats], Any]
) -> Floats:
    """Gaussian noise with the amplitude spectrum ``weight`` (hertz -> factor)."""
    noise = rng.standard_normal(samples + 2 * _ROOM)
    return _shaped(noise, rate, weight)[_ROOM : _ROOM + samples]


def _shaped(sound: Any, rate: int, weight: Callable[[Floats], Any]) -> Floats:
    """A sound with its spectrum weighted, zero phase."""
    hertz = np.asarray(np.fft.rfftfreq(sound.size, 1 / rate), np.float64)
    return np.asarray(np.fft.irfft(np.fft.rfft(sound) * weight(hertz), sound.size))
