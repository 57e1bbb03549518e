"""Clips made from nothing, for tests of what stores and carries them."""

from __future__ import annotations

import hashlib

import numpy as np

from engine.types import Clip


def make_clip(
    seed: int = 0, *, frames: int = 2_000, channels: int = 1, prompt: str = "short dark snare"
) -> Clip:
    """Noise on the 24-bit grid with a full record."""
    noise = np.random.default_rng(seed).uniform(-1.0, 1.0, (channels, frames))
    audio = (np.floor(noise * 2**23) / 2**23).astype(np.float32)
    return Clip(
        id=hashlib.md5(str(seed).encode()).hexdigest(),
        audio=np.clip(audio, -1.0, 1.0 - 2**-23),
        sample_rate=44_100,
        seed=2**63 - 1 - seed,
        index=seed % 4,
        voice="drums",
        voice_hash="ab" * 32,
        prompt=prompt,
        negative="",
        steps=4,
        words_understood=("short", "snare"),
        words_unknown=("dürk",),
        conditions={"category": "snare", "brightness": np.float32(0.25), "depth": float("nan")},
        parents=(),
        milliseconds=12.5,
        created=1_700_000_000.0 + seed,
    )
