"""Analogue-style drum synthesis with random parameters: kicks to cowbells, made from nothing.

Recorded electronic drums with a clean licence are few; these fill the gap. The circuits are the
well-known ones in spirit (swept sine kick, noise-and-tone snare, square-cluster metal), each a
function of one random generator. Sounds are (T,) float32 mono at SAMPLE_RATE, peak 0.95.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 44_100
Array = NDArray[np.float64]
_METAL_HZ = np.array([205.3, 304.4, 369.6, 522.7, 540.0, 800.0])


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _time(seconds: float) -> Array:
    return np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _decay(t: Array, seconds: float, power: float = 1.0) -> Array:
    """Exponential decay that falls 60 dB in ``seconds``; power below 1 makes it slower at first."""
    return np.asarray(np.exp(-6.9 * (t / seconds) ** power))


def _filtered(x: Array, low_hz: float, high_hz: float, order: float = 2.0) -> Array:
    """Band-pass as a smooth spectral weight (zero phase would ring before the onset, so the
    weight is made minimum phase by a cepstral fold)."""
    size = 1 << int(np.ceil(np.log2(x.size * 2)))
    hertz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE) + 1e-3
    weight = (1 + (low_hz / hertz) ** (2 * order)) ** -0.5
    weight *= (1 + (hertz / high_hz) ** (2 * order)) ** -0.5
    cepstrum = np.fft.irfft(np.log(np.maximum(weight, 1e-5)))
    fold = np.zeros(size)
    fold[0] = fold[size // 2] = 1.0
    fold[1 : size // 2] = 2.0
    response = np.exp(np.fft.rfft(cepstrum * fold))
    return np.asarray(np.fft.irfft(np.fft.rfft(x, size) * response)[: x.size])


def _swept(t: Array, base_hz: float, sweep: float, sweep_seconds: float, phase: float) -> Array:
    hertz = base_hz * (1 + sweep * np.exp(-t / sweep_seconds))
    return np.asarray(np.sin(2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE + phase))


def _drive(x: Array, amount: float) -> Array:
    return np.asarray(np.tanh(x * amount) / np.tanh(amount))


def kick(rng: np.random.Generator) -> Array:
    """Sine swept down, a click, some drive."""
    seconds = _log_uniform(rng, 0.12, 1.6)
    t = _time(seconds * 1.1)
    sweep = _log_uniform(rng, 0.5, 10.0)
    body = _swept(
        t,
        _log_uniform(rng, 38, 75),
        sweep,
        _log_uniform(rng, 0.006, 0.06),
        rng.uniform(0, 0.5 * np.pi),
    )
    body *= _decay(t, seconds, rng.uniform(0.6, 1.3))
    click = _filtered(
        rng.standard_normal(t.size), _log_uniform(rng, 300, 2000), _log_uniform(rng, 3000, 14000)
    )
    click *= _decay(t, _log_uniform(rng, 0.004, 0.05))
    return _drive(body + rng.uniform(0, 0.3) * click, _log_uniform(rng, 0.5, 5.0))


def snare(rng: np.random.Generator) -> Array:
    """Two detuned modes and band-passed noise."""
    seconds = _log_uniform(rng, 0.1, 0.7)
    t = _time(seconds * 1.1)
    base = _log_uniform(rng, 140, 280)
    tone = _swept(t, base, rng.uniform(0, 0.8), 0.012, 0.0)
    tone += rng.uniform(0.2, 0.9) * _swept(t, base * rng.uniform(1.5, 2.0), 0.3, 0.01, 0.0)
    tone *= _decay(t, seconds * rng.uniform(0.25, 0.8))
    rattle = _filtered(
        rng.standard_normal(t.size),
        _log_uniform(rng, 500, 3500),
        _log_uniform(rng, 6000, 18000),
        rng.uniform(1, 3),
    )
    rattle *= _decay(t, seconds, rng.uniform(0.6, 1.2))
    return _drive(
        rng.uniform(0.3, 1) * tone + rng.uniform(0.3, 1.3) * rattle, _log_uniform(rng, 0.5, 3.0)
    )


def _metal(rng: np.random.Generator, t: Array, low_hz: float) -> Array:
    """Six square waves at fixed ratios, ring-like, high-passed; plus noise."""
    tune = _log_uniform(rng, 0.7, 2.2)
    out = np.zeros(t.size)
    for hertz in _METAL_HZ * tune * rng.uniform(0.97, 1.03, 6):
        out += np.sign(np.sin(2 * np.pi * hertz * t + rng.uniform(0, 6.28)))
    mix = rng.uniform(0.0, 0.9)
    out = out / 3.0 * (1 - mix) + mix * rng.standard_normal(t.size)
    return _filtered(out, low_hz, 19000, rng.uniform(1.5, 4))


def closed_hat(rng: np.random.Generator) -> Array:
    """Short metal."""
    seconds = _log_uniform(rng, 0.03, 0.18)
    t = _time(seconds * 1.1)
    return _metal(rng, t, _log_uniform(rng, 4000, 9500)) * _decay(t, seconds, rng.uniform(0.5, 1))


def open_hat(rng: np.random.Generator) -> Array:
    """Long metal."""
    seconds = _log_uniform(rng, 0.3, 1.4)
    t = _time(seconds * 1.1)
    return _metal(rng, t, _log_uniform(rng, 3500, 9000)) * _decay(t, seconds, rng.uniform(0.6, 1.2))


def crash(rng: np.random.Generator) -> Array:
    """Longer, wider metal with a noisy start."""
    seconds = _log_uniform(rng, 1.0, 2.5)
    t = _time(min(seconds * 1.1, 2.5))
    out = _metal(rng, t, _log_uniform(rng, 1200, 5000)) * _decay(t, seconds, rng.uniform(0.6, 0.9))
    burst = _filtered(rng.standard_normal(t.size), 2000, 16000) * _decay(t, 0.3)
    return out + rng.uniform(0, 0.7) * burst


def clap(rng: np.random.Generator) -> Array:
    """Three or four noise bursts, then a tail."""
    seconds = _log_uniform(rng, 0.12, 0.7)
    t = _time(seconds * 1.1 + 0.05)
    envelope = np.zeros(t.size)
    at = 0.0
    for _ in range(rng.integers(2, 5)):
        on = t >= at
        envelope[on] += np.exp(-(t[on] - at) / rng.uniform(0.003, 0.007))
        at += rng.uniform(0.007, 0.014)
    tail = t >= at
    envelope[tail] += rng.uniform(0.4, 1.0) * _decay(t[tail] - at, seconds)
    centre = _log_uniform(rng, 800, 2200)
    noise = _filtered(rng.standard_normal(t.size), centre * 0.7, centre * rng.uniform(1.5, 6))
    return noise * envelope


def tom(rng: np.random.Generator) -> Array:
    """A tuned membrane: a swept sine, an overtone and a little noise."""
    seconds = _log_uniform(rng, 0.2, 1.1)
    t = _time(seconds * 1.1)
    base = _log_uniform(rng, 70, 260)
    out = _swept(t, base, rng.uniform(0.1, 0.9), _log_uniform(rng, 0.01, 0.08), 0.0)
    out += rng.uniform(0, 0.35) * _swept(t, base * 1.59, 0.2, 0.02, 0.0) * _decay(t, seconds * 0.4)
    noise = _filtered(rng.standard_normal(t.size), 300, 6000) * _decay(t, seconds * 0.25)
    return _drive(
        out * _decay(t, seconds) + rng.uniform(0, 0.2) * noise, _log_uniform(rng, 0.5, 2.5)
    )


def conga(rng: np.random.Generator) -> Array:
    """A small tight tom."""
    seconds = _log_uniform(rng, 0.08, 0.4)
    t = _time(seconds * 1.1)
    out = _swept(t, _log_uniform(rng, 180, 480), rng.uniform(0, 0.15), 0.01, 0.0)
    slap = _filtered(rng.standard_normal(t.size), 800, 5000) * _decay(t, 0.02)
    return out * _decay(t, seconds) + rng.uniform(0, 0.4) * slap


def rim(rng: np.random.Generator) -> Array:
    """Two short high modes."""
    seconds = _log_uniform(rng, 0.02, 0.1)
    t = _time(seconds * 1.3)
    first = _log_uniform(rng, 350, 900)
    out = np.sin(2 * np.pi * first * t) + np.sin(2 * np.pi * first * rng.uniform(2.5, 4.2) * t)
    out += rng.uniform(0, 0.5) * _filtered(rng.standard_normal(t.size), 1500, 9000)
    return _drive(out * _decay(t, seconds), _log_uniform(rng, 0.7, 5.0))


def cowbell(rng: np.random.Generator) -> Array:
    """Two square waves a sixth apart, band-passed, with a sharp start and a slow tail."""
    seconds = _log_uniform(rng, 0.15, 0.7)
    t = _time(seconds * 1.1)
    base = _log_uniform(rng, 420, 720)
    out = np.sign(np.sin(2 * np.pi * base * t))
    out += np.sign(np.sin(2 * np.pi * base * rng.uniform(1.42, 1.55) * t))
    envelope = 0.6 * _decay(t, 0.06) + 0.4 * _decay(t, seconds)
    return _filtered(out, base * 0.8, base * rng.uniform(3, 9)) * envelope


def shaker(rng: np.random.Generator) -> Array:
    """High noise that swells and falls."""
    seconds = _log_uniform(rng, 0.05, 0.25)
    t = _time(seconds * 1.2)
    rise = rng.uniform(0.05, 0.5) * seconds
    envelope = np.minimum(t / rise, 1) * _decay(np.maximum(t - rise, 0), seconds)
    return _filtered(rng.standard_normal(t.size), _log_uniform(rng, 3000, 7000), 18000) * envelope


def wood(rng: np.random.Generator) -> Array:
    """One or two hard, short modes."""
    seconds = _log_uniform(rng, 0.03, 0.14)
    t = _time(seconds * 1.2)
    first = _log_uniform(rng, 600, 2600)
    out = np.sin(2 * np.pi * first * t)
    out += rng.uniform(0, 0.8) * np.sin(2 * np.pi * first * rng.uniform(1.4, 2.7) * t)
    return out * _decay(t, seconds)


def fx(rng: np.random.Generator) -> Array:
    """Zaps: a fast sweep, up or down, sine to frequency-modulated."""
    seconds = _log_uniform(rng, 0.08, 0.8)
    t = _time(seconds * 1.1)
    start, end = _log_uniform(rng, 80, 6000), _log_uniform(rng, 80, 6000)
    hertz = end + (start - end) * np.exp(-t / (seconds * rng.uniform(0.05, 0.4)))
    phase = 2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE
    out = np.sin(phase + rng.uniform(0, 3) * np.sin(phase * rng.uniform(0.5, 3)))
    return out * _decay(t, seconds, rng.uniform(0.7, 1.5))


# How many of each in a set of about a thousand.
RECIPES: dict[str, tuple[Callable[[np.random.Generator], Array], int]] = {
    "kick": (kick, 200), "snare": (snare, 160), "closed_hat": (closed_hat, 110),
    "open_hat": (open_hat, 80), "crash": (crash, 30), "clap": (clap, 100), "tom": (tom, 90),
    "conga": (conga, 40), "rim": (rim, 50), "cowbell": (cowbell, 40), "shaker": (shaker, 40),
    "wood": (wood, 40), "fx": (fx, 60),
}  # fmt: skip


def synthesise(scale: float = 1.0, seed: int = 808) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield (category, (T,) float32) drums, about 1,040 x ``scale``, the same for a seed."""
    for number, (category, (make, count)) in enumerate(RECIPES.items()):
        for index in range(max(1, round(count * scale))):
            rng = np.random.Generator(np.random.Philox(key=[seed, number * 1_000_003 + index]))
            sound = make(rng)
            fade = min(sound.size, 220)
            sound[-fade:] *= np.linspace(1, 0, fade)
            yield category, (0.95 * sound / (np.abs(sound).max() + 1e-9)).astype(np.float32)
