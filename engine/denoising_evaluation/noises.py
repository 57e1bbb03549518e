"""Noises made from nothing, each a family; two of them are for evaluation only.

A maker takes a generator, a number of samples and a sample rate, and returns (T,) float64 of any
level: the protocol sets the level.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MADE", "NEVER_TRAINED", "Floats", "Maker", "coloured"]

Floats = NDArray[np.float64]
Maker = Callable[[np.random.Generator, int, int], Floats]

NEVER_TRAINED = ("motor", "surf", "dishwasher", "waves")
"""Families that no denoiser of Driftwave may be trained on: two of MADE, two of files."""

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


def hum(rng: np.random.Generator, samples: int, rate: int) -> Floats:
    """Mains hum: 50 or 60 Hz and its multiples, odd ones stronger, over a little hiss."""
    base = float(rng.choice([50.0, 60.0])) * (1 + rng.uniform(-1e-3, 1e-3))
    t = np.arange(samples) / rate
    out = 0.01 * rng.standard_normal(samples)
    for number in range(1, 25):
        level = (
            rng.uniform(0.3, 1.0) / number ** rng.uniform(0.6, 1.4) * (1.0 if number % 2 else 0.4)
        )
        out += level * np.sin(2 * np.pi * base * number * t + rng.uniform(0, 2 * np.pi))
    return out


def fan(rng: np.random.Generator, samples: int, rate: int) -> Floats:
    """Rushing air, beaten by blades, with their tone."""
    air = _filtered(rng, samples, rate, lambda hertz: 1 / (1 + (hertz / 600.0) ** 1.2))
    blade = rng.uniform(60, 160)
    t = np.arange(samples) / rate
    beat = (
        1 + 0.25 * np.sin(2 * np.pi * blade * t) + 0.1 * np.sin(2 * np.pi * rng.uniform(1, 4) * t)
    )
    return np.asarray(air * beat + 0.3 * air.std() * np.sin(2 * np.pi * 2 * blade * t))


def tape(rng: np.random.Generator, samples: int, rate: int) -> Floats:
    """Tape hiss: more towards high frequencies, its level unsteady."""
    hiss = _filtered(rng, samples, rate, lambda hertz: 0.2 + hertz / (hertz + 3500.0))
    slow = _filtered(rng, samples, rate, lambda hertz: 1 / (1 + (hertz / 6.0) ** 2))
    return np.asarray(hiss * np.exp(0.12 * slow / (slow.std() + 1e-12)))


def crackle(rng: np.random.Generator, samples: int, rate: int) -> Floats:
    """Vinyl: ticks at random moments over rumble and hiss."""
    out = np.zeros(samples)
    count = rng.poisson(25.0 * samples / rate)
    places = rng.integers(0, samples, count)
    for place, level in zip(places, rng.pareto(2.5, count) + 0.3, strict=True):
        length = min(samples - place, round(rate * rng.uniform(0.0003, 0.003)))
        decay = np.exp(-np.arange(length) / max(1.0, length / 5))
        out[place : place + length] += (
            level * rng.choice([-1, 1]) * decay * rng.standard_normal(length)
        )
    surface = coloured(rng, samples, rate, -4.0)
    return np.asarray(out / (out.std() + 1e-9) + 0.5 * surface / surface.std())


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


MADE: dict[str, Maker] = {
    "white": white, "pink": pink, "hum": hum, "tape": tape, "fan": fan, "crackle": crackle,
    "motor": motor, "surf": surf,
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
