"""Find sounds that are alike: drop copies, and keep near copies on one side of a split.

A fingerprint is a coarse picture of a sound: dB in 24 bands at 12 moments, gain removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
_EDGES_HZ = np.geomspace(40, 18_000, 25)
_MOMENTS = np.concatenate([[0.0], np.geomspace(0.01, 2.0, 12)])  # seconds
COPY_DB = 1.0  # RMS distance below which two sounds are the same sound
NEAR_DB = 3.0  # and below which they are takes of one sound


def fingerprint(audio: Array, sample_rate: int) -> Array:
    """Return (288,) float32: band levels in dB, no lower than 60 dB under the loudest."""
    size = 1024
    padded = np.pad(audio, (0, size))
    view = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2]
    view = view[: int(2.0 * sample_rate / (size // 2)) + 2]
    power = np.abs(np.fft.rfft(view * np.hanning(size).astype(np.float32), axis=1)) ** 2
    hertz = np.fft.rfftfreq(size, 1 / sample_rate)
    inside = [(hertz >= a) & (hertz < b) for a, b in pairwise(_EDGES_HZ)]
    bands = np.stack([power[:, band].sum(1) for band in inside])  # a band may hold no bin: 0
    moments = np.round(_MOMENTS * sample_rate / (size // 2)).astype(int)
    out = np.zeros((bands.shape[0], len(moments) - 1))
    for i, (a, b) in enumerate(pairwise(moments)):
        part = bands[:, a : max(b, a + 1)]
        out[:, i] = part.mean(1) if part.shape[1] else 0.0
    level = 10 * np.log10(out + 1e-12)
    return np.asarray(np.maximum(level - level.max(), -60.0), np.float32).reshape(-1)


def distances_db(table: Array, one: Array) -> Array:
    """RMS distance in dB of fingerprint ``one`` (F,) to each of ``table`` (N, F).

    Only cells where either sound is above the floor count, or short sounds would all be alike.
    """
    floor = -59.5
    active = ((table > floor) | (one > floor)).sum(1)
    total = ((table - one) ** 2).sum(1)
    return np.asarray(np.sqrt(total / np.maximum(active, 24)), np.float32)


def copies_and_groups(
    prints: Array, categories: NDArray[np.int64], keys: Sequence[str]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return (keep, group) for N sounds.

    prints: (N, F); categories: (N,); keys: the sources' own group names.
    keep: False for a copy of an earlier kept sound of its category. group: one number for all
    sounds joined by key or by nearness.
    """
    count = len(prints)
    parent = np.arange(count)

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    first: dict[str, int] = {}
    for i, key in enumerate(keys):
        parent[root(i)] = root(first.setdefault(key, i))
    keep = np.ones(count, bool)
    for category in np.unique(categories):
        members = np.flatnonzero(categories == category)
        kept: list[int] = []
        table = np.empty((len(members), prints.shape[1]), np.float32)
        for i in members.tolist():
            if kept:
                distance = distances_db(table[: len(kept)], prints[i])
                for j in np.flatnonzero(distance < NEAR_DB):
                    parent[root(i)] = root(kept[j])
                keep[i] = distance.min() >= COPY_DB
            if keep[i]:
                table[len(kept)] = prints[i]
                kept.append(i)
    groups = np.array([root(i) for i in range(count)])
    return keep, groups
