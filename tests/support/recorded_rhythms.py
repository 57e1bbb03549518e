"""Rhythms as somebody would record them: struck drums, human timing, a room, hiss."""

from __future__ import annotations

import numpy as np

from engine.training import synthesis

RATE = 44_100
_KITS = (
    (synthesis.kick, synthesis.snare, synthesis.closed_hat),
    (synthesis.tom, synthesis.clap, synthesis.shaker),
    (synthesis.conga, synthesis.rim, synthesis.wood),
    (synthesis.kick, synthesis.cowbell, synthesis.closed_hat),
)


def rhythm(number: int) -> np.ndarray:
    """One bar (T,) float32 at RATE; the same for the same number."""
    rng = np.random.default_rng(number)
    step = 60.0 / rng.uniform(85.0, 150.0) / 4.0 * RATE
    low, middle, high = _KITS[number % len(_KITS)]
    out = np.zeros(round(16 * step), dtype=np.float64)
    for place in range(16):
        if place in (0, 8, 10):
            drum, gain = low, 1.0
        elif place in (4, 12):
            drum, gain = middle, 0.8
        elif rng.random() < 0.5:
            drum, gain = high, 0.5
        else:
            continue
        hit = np.asarray(drum(rng), dtype=np.float64)
        hit *= gain * rng.uniform(0.6, 1.0) / np.abs(hit).max()
        at = max(0, round(place * step + rng.normal(0.0, 0.003 * RATE) + 0.01 * RATE))
        part = hit[: out.size - at]
        out[at : at + part.size] += part
    room = rng.standard_normal(round(0.2 * RATE)) * np.exp(-np.arange(round(0.2 * RATE)) / 2000.0)
    wet = np.convolve(out, room / np.abs(room).sum())[: out.size]
    out += 0.5 * wet + rng.standard_normal(out.size) * 5e-4
    return (0.8 * out / np.abs(out).max()).astype(np.float32)
