"""Randomness by name: the same seed and words give the same numbers in any order of the work."""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["generator", "held_out"]

_HELD_OUT_SHARE = 8  # one file of so many


def generator(seed: int, *words: str) -> np.random.Generator:
    """Philox keyed by the seed and a checksum of the words."""
    return np.random.Generator(np.random.Philox(key=[seed, zlib.crc32("/".join(words).encode())]))


def held_out(name: str) -> bool:
    """Whether a file of this name (without folders) is kept from training, one of eight."""
    return zlib.crc32(name.encode()) % _HELD_OUT_SHARE == 0
