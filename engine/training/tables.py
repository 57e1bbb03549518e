"""Check the columns of a shard against each other before anything is trained on them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError, RecipeError


def check_table(
    path: Path,
    table: Mapping[str, NDArray[Any]],
    values: str,
    labels: tuple[str, ...] = ("category", "descriptors"),
) -> None:
    """Raise DataError, naming the first wrong column, unless a shard's columns fit each other.

    values: the column that all sounds lie in end to end. labels: the columns that say what they
    are, the first of them by an index.
    """
    for name in ("start", "length", *labels, "held_out", "sample_rate"):
        if name not in table:
            raise DataError(f"{path} is broken: it lacks {name!r}; make the shard again")
    sounds, total = len(table["held_out"]), len(table[values])
    for name in ("start", "length", *labels):
        if table[name].ndim < 1 or len(table[name]) != sounds:
            raise DataError(f"{path} is broken: {name!r} is not of {sounds} sounds")
    start, length = table["start"], table["length"]
    inside = (start >= 0) & (length >= 1) & (start.astype(float) + length <= total)
    if not sounds or not bool(inside.all()) or table["held_out"].all():
        raise DataError(f"{path} is broken: it has sounds outside of it, or none to train on")
    if bool((table[labels[0]] < 0).any()):
        raise DataError(f"{path} is broken: {labels[0]!r} has values below 0")
    if table[values].dtype.kind == "f" and not bool(np.isfinite(table[values]).all()):
        raise DataError(f"{path} is broken: {values!r} has values that are not finite")


def check_windows(*frames: int) -> None:
    """Raise RecipeError unless there are training windows, each of 1 frame or more."""
    if not frames or min(frames) < 1:
        raise RecipeError(f"[data] frames are {list(frames)}; expected numbers of 1 or more")
