"""What the loop asks of training data: facts about it, and batch number n for a seed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
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


def check_table(path: Path, table: Mapping[str, NDArray[Any]], values: str) -> None:
    """Raise DataError, naming the first wrong column, unless a shard's columns fit each other.

    values: the column that all sounds lie in end to end.
    """
    for name in ("start", "length", "category", "descriptors", "held_out", "sample_rate"):
        if name not in table:
            raise DataError(f"{path} is broken: it lacks {name!r}; make the shard again")
    sounds, total = len(table["held_out"]), len(table[values])
    for name in ("start", "length", "category", "descriptors"):
        if table[name].ndim < 1 or len(table[name]) != sounds:
            raise DataError(f"{path} is broken: {name!r} is not of {sounds} sounds")
    start, length = table["start"], table["length"]
    inside = (start >= 0) & (length >= 1) & (start.astype(float) + length <= total)
    if not sounds or not bool(inside.all()) or table["held_out"].all():
        raise DataError(f"{path} is broken: it has sounds outside of it, or none to train on")
    if bool((table["category"] < 0).any()):
        raise DataError(f"{path} is broken: it has categories below 0")
    if table[values].dtype.kind == "f" and not bool(np.isfinite(table[values]).all()):
        raise DataError(f"{path} is broken: {values!r} has values that are not finite")
