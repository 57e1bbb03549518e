"""Noise for many sounds at once, in which every sound has its own: Philox by seed and number."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.frameworks.sampling import Noise

__all__ = ["row_noise"]


def row_noise(seed: int, first: int, device: str) -> Noise:
    """Noise whose row i is that of sound ``first + i``, however sounds are batched."""

    def noise(draw: int, shape: tuple[int, ...]) -> Tensor:
        rows = []
        for row in range(first, first + shape[0]):
            # as engine.samplers.noise: the draw sits in the counter's top word
            bits = np.random.Philox(key=seed + (row << 64), counter=draw << 192)
            rows.append(np.random.Generator(bits).standard_normal(shape[1:], dtype=np.float32))
        return torch.from_numpy(np.stack(rows)).to(device)

    return noise
