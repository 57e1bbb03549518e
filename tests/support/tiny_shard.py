"""A small audio shard made here: 120 short decaying tones and noises of three categories."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.conditioning.descriptors import DESCRIPTORS

SAMPLE_RATE = 44_100
SOUNDS = 120


def tiny_shard(path: Path, seed: int = 0) -> Path:
    """Writes the shard, every second sound held out; returns its path."""
    rng = np.random.default_rng(seed)
    t = np.arange(SAMPLE_RATE // 4) / SAMPLE_RATE
    sounds, categories = [], []
    for number in range(SOUNDS):
        kind = number % 3
        decay = np.exp(-t * rng.uniform(10, 40))
        tone = np.sin(2 * np.pi * (80.0, 900.0, 0.0)[kind] * rng.uniform(0.8, 1.2) * t)
        sound = (tone if kind < 2 else rng.standard_normal(t.size) * 0.3) * decay * 0.5
        sounds.append((sound * 32767).astype(np.int16))
        categories.append(kind)
    length = np.array([len(sound) for sound in sounds])
    np.savez(
        path,
        sample_rate=np.int64(SAMPLE_RATE),
        audio=np.concatenate(sounds),
        start=np.concatenate(([0], np.cumsum(length)[:-1])),
        length=length,
        category=np.array(categories, dtype=np.int64),
        descriptors=rng.random((SOUNDS, len(DESCRIPTORS))),
        quantiles=np.tile(np.linspace(0, 1, 33), (len(DESCRIPTORS), 1)),
        held_out=np.arange(SOUNDS) % 2 == 0,
        group=np.arange(SOUNDS),
        name=np.array([f"sound {k}" for k in range(SOUNDS)]),
        source=np.array(["made here"] * SOUNDS),
    )
    return path
