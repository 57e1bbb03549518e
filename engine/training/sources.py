"""What the loop asks of training data: facts about it, and batch number n for a seed."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from engine.frameworks import Batch, DataInfo


class Source(Protocol):
    """Training data. Batches depend on (seed, step) alone, so a resumed run sees the same ones."""

    @property
    def info(self) -> DataInfo:
        """What the data is."""
        ...

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """Return training batch number ``step`` of ``size`` sounds, on the CPU."""
        ...

    def held_out(self, size: int) -> Batch:
        """Return up to ``size`` held-out sounds, always the same, without augmentation."""
        ...


def step_rng(seed: int, step: int, stream: int = 0) -> np.random.Generator:
    """Return the generator of one step's randomness: Philox keyed by seed, stream and step."""
    return np.random.Generator(np.random.Philox(key=[seed, (stream << 48) + step]))
