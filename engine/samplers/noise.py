"""Noise that is the same on every machine and device: NumPy's Philox, keyed by seed and index."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["philox_noise"]

_WORD = 2**64


def philox_noise(
    seed: int, index: int, draw: int, latent_dims: int, frames: int
) -> npt.NDArray[np.float32]:
    """Standard normal noise (1, latent_dims, frames), float32.

    seed: the request's, 0 to 2^64 - 1. index: the variation, draw: 0 for the first latent and
    k for the k-th renewal; both from 0. Every (seed, index, draw) is a stream of its own, and
    frames are drawn in time order, so that a longer sound begins with the same noise.
    Raises ValueError for a negative or too large number.
    """
    for name, value in (("seed", seed), ("index", index), ("draw", draw)):
        if not 0 <= value < _WORD:
            raise ValueError(f"{name} must be from 0 to 2^64 - 1, not {value}")
    # The draw sits in the counter's top word: streams are 2^192 blocks apart and never meet.
    bits = np.random.Philox(key=seed + (index << 64), counter=draw << 192)
    normal = np.random.Generator(bits).standard_normal((frames, latent_dims), dtype=np.float32)
    return np.ascontiguousarray(normal.T[np.newaxis])
