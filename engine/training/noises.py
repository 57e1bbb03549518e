"""Noise made from nothing: coloured noise, hum, crackle, tape hiss, handling; all (T,) float32.

Each is a function of one random generator, a length and a sample rate; its RMS is 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Noise = Callable[[np.random.Generator, int, int], Array]


def coloured(rng: np.random.Generator, samples: int, sample_rate: int) -> Array:
    """White to brown noise, with up to four broad bumps and perhaps a steep end."""
    hertz = _hertz(samples, sample_rate)
    slope = rng.choice((0.0, -1.0, -2.0, rng.uniform(-2.2, 0.5)))  # of power, per octave 3 dB
    level_db = 10.0 * slope * np.log10(np.maximum(hertz, 20.0) / 1000.0)
    for _ in range(int(rng.integers(0, 5))):
        centre, width = rng.uniform(np.log2(80), np.log2(16_000)), rng.uniform(0.15, 1.5)
        level_db = level_db + rng.uniform(-12, 12) * np.exp(
            -0.5 * ((np.log2(hertz + 1.0) - centre) / width) ** 2
        )
    if rng.random() < 0.2:
        end = np.exp(rng.uniform(np.log(3000), np.log(16_000)))
        level_db = level_db - 24.0 * np.maximum(np.log2((hertz + 1.0) / end), 0.0)
    return _shaped(rng.standard_normal(samples), 10.0 ** (level_db / 20.0))


def hum(rng: np.random.Generator, samples: int, sample_rate: int) -> Array:
    """Mains hum: harmonics of about 50 or 60 Hz that swing a little, over faint coloured noise."""
    time = np.arange(samples) / sample_rate
    base = rng.choice((50.0, 60.0)) * rng.uniform(0.997, 1.003)
    out = np.zeros(samples)
    fall = rng.uniform(0.3, 1.6)
    for harmonic in range(1, int(rng.integers(4, 40))):
        level = harmonic**-fall * rng.uniform(0.05, 1.0) * (1.0 if harmonic % 2 else 0.6)
        out += level * np.sin(2 * np.pi * harmonic * base * time + rng.uniform(0, 2 * np.pi))
    out *= 1.0 + 0.1 * rng.random() * np.sin(2 * np.pi * rng.uniform(0.1, 3.0) * time)
    return _even(_even(out) + rng.uniform(0.02, 0.5) * coloured(rng, samples, sample_rate))


def crackle(rng: np.random.Generator, samples: int, sample_rate: int) -> Array:
    """A worn record: clicks of many levels, each with a short ring, over surface noise."""
    clicks = np.zeros(samples)
    count = int(rng.poisson(rng.uniform(8, 120) * samples / sample_rate)) + 1
    at = rng.integers(0, samples, count)
    clicks[at] = rng.standard_normal(count) * np.exp(rng.normal(0.0, 1.0, count))
    ring = np.arange(int(0.004 * sample_rate))
    decay = np.exp(-ring / (rng.uniform(0.0001, 0.0012) * sample_rate))
    tone = np.cos(2 * np.pi * rng.uniform(800, 6000) * ring / sample_rate) * decay
    size = samples + ring.size
    spread = np.fft.irfft(np.fft.rfft(clicks, size) * np.fft.rfft(tone, size), size)[:samples]
    surface = coloured(rng, samples, sample_rate)
    return _even(_even(spread) + rng.uniform(0.1, 1.0) * surface)


def tape(rng: np.random.Generator, samples: int, sample_rate: int) -> Array:
    """Tape hiss: rises to a broad hump, and its level wavers slowly."""
    hertz = _hertz(samples, sample_rate)
    hump = np.exp(rng.uniform(np.log(2500), np.log(9000)))
    level = (np.maximum(hertz, 30.0) / hump) ** rng.uniform(0.1, 0.7)
    level = level / (1.0 + (hertz / (hump * rng.uniform(1.2, 2.5))) ** 2)
    out = _shaped(rng.standard_normal(samples), level)
    points = max(3, int(samples / sample_rate * rng.uniform(1, 8)))
    swing = rng.normal(0.0, rng.uniform(0.02, 0.15), points)
    wave = np.interp(np.linspace(0, points - 1, samples), np.arange(points), swing)
    return _even(out * np.exp(wave))


def handling(rng: np.random.Generator, samples: int, sample_rate: int) -> Array:
    """Touches of a microphone: low bumps now and then, over faint coloured noise."""
    out = np.zeros(samples)
    for _ in range(1 + int(rng.poisson(2.5 * samples / sample_rate))):
        length = int(rng.uniform(0.02, 0.4) * sample_rate)
        time = np.arange(length) / sample_rate
        bump = np.sin(2 * np.pi * rng.uniform(25, 220) * time) + 0.3 * rng.standard_normal(length)
        bump *= np.sin(np.pi * np.arange(length) / length) ** rng.uniform(0.5, 3.0)
        at = int(rng.integers(0, samples))
        part = min(length, samples - at)
        out[at : at + part] += rng.uniform(0.1, 1.0) * bump[:part]
    soft = _shaped(out, 1.0 / (1.0 + (_hertz(samples, sample_rate) / 900.0) ** 2))
    return _even(soft + rng.uniform(0.05, 0.5) * coloured(rng, samples, sample_rate))


NOISES: dict[str, Noise] = {
    "coloured": coloured, "hum": hum, "crackle": crackle, "tape": tape, "handling": handling,
}  # fmt: skip


def _hertz(samples: int, sample_rate: int) -> NDArray[np.float64]:
    return np.asarray(np.fft.rfftfreq(samples, 1.0 / sample_rate), np.float64)


def _shaped(sound: NDArray[np.float64], level: NDArray[np.float64]) -> Array:
    return _even(np.fft.irfft(np.fft.rfft(sound) * level, sound.size))


def _even(sound: NDArray[np.floating]) -> Array:
    return np.asarray(sound / np.sqrt((sound**2).mean() + 1e-20), np.float32)
