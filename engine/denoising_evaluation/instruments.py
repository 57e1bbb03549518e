"""Instruments and a voice made from nothing: phrases with silences, known to the sample.

Every maker takes a generator, a number of samples and a sample rate and returns (T,) float64. A
phrase begins with GAP_SECONDS of silence, in which only noise will sound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.denoising_evaluation.noises import Floats, Maker

__all__ = ["GAP_SECONDS", "INSTRUMENTS", "voice"]

GAP_SECONDS = 0.5
_SCALE = (0, 2, 3, 5, 7, 8, 10)
_Note = Callable[[np.random.Generator, Floats, float], Floats]


def _hertz(note: float) -> float:
    return float(440.0 * 2 ** ((note - 69) / 12))


def _partials(
    t: Floats, base: float, levels: Any, decays: Any, phases: Any, stiffness: float
) -> Floats:
    """A sum of decaying sines at base * k * sqrt(1 + stiffness k^2), none above 16 kHz."""
    out = np.zeros(t.size)
    for k, (level, decay, phase) in enumerate(zip(levels, decays, phases, strict=True), 1):
        hertz = base * k * np.sqrt(1 + stiffness * k * k)
        if hertz < 16_000:
            out += level * np.exp(-decay * t) * np.sin(2 * np.pi * hertz * t + phase)
    return out


def plucked(rng: np.random.Generator, t: Floats, base: float) -> Floats:
    """A string plucked near its bridge; high partials die first."""
    k = np.arange(1, 31)
    place = rng.uniform(0.12, 0.3)
    levels = np.abs(np.sin(np.pi * k * place)) / k
    return _partials(t, base, levels, 1.2 + 0.25 * k, rng.uniform(0, 6.28, 30), 4e-5)


def keys(rng: np.random.Generator, t: Floats, base: float) -> Floats:
    """An electric piano: a sine modulated at its own pitch, and a tine."""
    index = 2.0 * np.exp(-4 * t)
    tine = 0.2 * np.exp(-9 * t) * np.sin(2 * np.pi * base * 7 * t)
    body = np.sin(2 * np.pi * base * t + index * np.sin(2 * np.pi * base * t + rng.uniform(0, 6)))
    return (body * np.exp(-1.6 * t) + tine) * np.minimum(1, t / 0.003)


def bell(rng: np.random.Generator, t: Floats, base: float) -> Floats:
    """Inharmonic partials, slow to decay."""
    ratios = np.array([0.5, 1, 1.19, 1.56, 2, 2.51, 2.66, 3.01, 4.1])
    levels = rng.uniform(0.2, 1, ratios.size) / ratios**0.5
    out = np.zeros(t.size)
    for ratio, level in zip(ratios, levels, strict=True):
        out += level * np.exp(-(0.8 + 0.5 * ratio) * t) * np.sin(2 * np.pi * 2 * base * ratio * t)
    return out


def bowed(rng: np.random.Generator, t: Floats, base: float) -> Floats:
    """A bowed string: a soft start, vibrato, many steady partials."""
    vibrato = base * (1 + 0.006 * np.sin(2 * np.pi * rng.uniform(4.5, 6) * t))
    phase = 2 * np.pi * np.cumsum(vibrato) * (t[1] - t[0] if t.size > 1 else 0.0)
    out = sum((np.sin(k * phase) / k**1.2 for k in range(1, 19) if k * base < 15_000), 0 * t)
    length = float(t[-1]) if t.size else 0.0
    return np.asarray(out * np.minimum(1, t / 0.08) * np.clip((length - t) / 0.1, 0, 1))


def bass(rng: np.random.Generator, t: Floats, base: float) -> Floats:
    """A plucked bass two octaves down."""
    k = np.arange(1, 21)
    levels = 1.0 / k ** rng.uniform(1.2, 1.7)
    return _partials(t, base / 4, levels, 1.5 + 0.3 * k, rng.uniform(0, 1.5, 20), 1e-5)


def _phrase(note: _Note, voices: int, longest: float) -> Maker:
    """A maker of phrases: notes of a minor scale, ``voices`` at once, rests between some."""

    def make(rng: np.random.Generator, samples: int, rate: int) -> Floats:
        out = np.zeros(samples)
        root = rng.integers(48, 60)
        at = GAP_SECONDS
        while at < samples / rate - 0.15:
            length = float(rng.choice([0.25, 0.5, 0.5, 1.0])) * longest
            begin = round(at * rate)
            t = np.arange(min(samples - begin, round(1.6 * length * rate))) / rate
            fade = np.clip((t[-1] - t) / 0.03, 0, 1)
            steps = rng.choice(12, voices, replace=False)
            sounding = sum(
                (note(rng, t, _hertz(root + _SCALE[s % 7] + 12 * (s // 7))) for s in steps), 0 * t
            )
            out[begin : begin + t.size] += rng.uniform(0.4, 1) * fade * sounding
            at += length + float(rng.choice([0.0, 0.0, 0.0, 0.6]))
        return out

    return make


INSTRUMENTS: dict[str, Maker] = {
    "plucked string": _phrase(plucked, 1, 0.5), "chords": _phrase(plucked, 3, 1.0),
    "electric piano": _phrase(keys, 2, 0.7), "bowed string": _phrase(bowed, 1, 1.0),
    "bell": _phrase(bell, 1, 0.8), "bass": _phrase(bass, 1, 0.5),
}  # fmt: skip

_VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
)


def voice(rng: np.random.Generator, samples: int, rate: int) -> Floats:
    """Speech without words: syllables of a buzz through formants, with breath before some."""
    out = np.zeros(samples)
    at, pitch = GAP_SECONDS, rng.uniform(95, 210)
    while at < samples / rate - 0.2:
        length = rng.uniform(0.12, 0.32)
        begin = round(at * rate)
        t = np.arange(min(samples - begin, round(length * rate))) / rate
        glide = pitch * (1 + rng.uniform(-0.15, 0.15) + rng.uniform(-0.2, 0.2) * t / length)
        phase = np.cumsum(glide) / rate
        formants = _VOWELS[rng.integers(len(_VOWELS))]
        syllable = np.zeros(t.size)
        for k in range(1, 40):
            hertz = k * pitch
            peak = sum(1 / (1 + ((hertz - f) / (60 + 0.05 * f)) ** 2) for f in formants)
            syllable += (peak + 0.02) / k**0.5 * np.sin(2 * np.pi * k * phase)
        syllable *= np.sin(np.pi * np.clip(t / length, 0, 1)) ** 0.5
        if rng.uniform() < 0.5:
            breath = np.diff(rng.standard_normal(t.size + 1)) * np.exp(-t / 0.03)
            syllable += 0.15 * breath
        out[begin : begin + t.size] += rng.uniform(0.5, 1) * syllable
        at += length + float(rng.choice([0.02, 0.05, 0.35], p=[0.5, 0.35, 0.15]))
    return out
