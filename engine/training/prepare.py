"""Make an audio shard: one file that holds a tidy, labelled, measured and split training set.

The shard is a plain .npz (no pickle), so that a training machine needs numpy alone:
audio int16 (all sounds end to end), start, length, category int64 (N,), descriptors float64
(N, K) raw, quantiles float64 (K, Q), held_out bool (N,), group int64 (N,), name, source str (N,).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.conditioning.descriptors import measure, quantiles
from engine.errors import DataError
from engine.training.checkpoint import replace_file
from engine.training.neighbours import copies_and_groups, fingerprint
from engine.training.oneshots import SAMPLE_RATE, OneShot

HELD_OUT = 0.08  # share of groups kept out of training


@dataclass(frozen=True)
class Summary:
    """What a shard holds."""

    sounds: int
    copies: int
    held_out: int
    seconds: float


def write_shard(
    shots: Iterable[OneShot], path: Path, progress: Callable[[int], None] | None = None
) -> Summary:
    """Measure, de-duplicate, split and write ``shots``; DataError when none is usable."""
    audio: list[NDArray[np.int16]] = []
    prints, raw, categories, names, sources, keys = [], [], [], [], [], []
    for shot in shots:
        audio.append(np.round(shot.audio * 32767.0).astype(np.int16))
        prints.append(fingerprint(shot.audio, SAMPLE_RATE))
        raw.append(measure(shot.audio, SAMPLE_RATE))
        categories.append(shot.category)
        names.append(shot.name)
        sources.append(shot.source)
        keys.append(f"{shot.source}:{shot.group}")
        if progress is not None:
            progress(len(audio))
    if not audio:
        raise DataError("no usable sound in the data; expected audible files of 5 ms to 60 s")
    keep, groups = copies_and_groups(np.stack(prints), np.array(categories), keys)
    kept = np.flatnonzero(keep)
    held = split(np.array(categories)[kept], groups[kept], [keys[i] for i in kept])
    length = np.array([audio[i].size for i in kept])
    descriptors = np.stack([raw[i] for i in kept])
    replace_file(
        path,
        lambda file: np.savez(
            file,
            sample_rate=np.int64(SAMPLE_RATE),
            audio=np.concatenate([audio[i] for i in kept]),
            start=np.concatenate([[0], np.cumsum(length)[:-1]]),
            length=length,
            category=np.array(categories)[kept],
            descriptors=descriptors,
            quantiles=quantiles(descriptors[~held]),
            held_out=held,
            group=groups[kept],
            name=np.array([names[i] for i in kept]),
            source=np.array([sources[i] for i in kept]),
        ),
    )
    seconds = float(length.sum()) / SAMPLE_RATE
    return Summary(len(kept), len(audio) - len(kept), int(held.sum()), seconds)


def split(
    categories: NDArray[np.int64], groups: NDArray[np.int64], keys: Sequence[str]
) -> NDArray[np.bool_]:
    """Choose held-out sounds, whole groups at a time: HELD_OUT of each category, if it can be.

    Groups are taken in the order of their hashes; one that is more than a fifth of its category
    is never taken. categories, groups: (N,); keys: N names that decide the hashes.
    """
    order: dict[int, float] = {}
    for group, key in zip(groups.tolist(), keys, strict=True):
        order[group] = min(order.get(group, 2.0), _hash01(key))
    held = np.zeros(len(groups), bool)
    for category in np.unique(categories):
        members = categories == category
        wanted = HELD_OUT * members.sum()
        for group in sorted(set(groups[members].tolist()), key=order.__getitem__):
            if (held & members).sum() >= wanted:
                break
            whole = groups == group
            if (whole & members).sum() <= 0.2 * members.sum():
                held |= whole
    return held


def _hash01(text: str) -> float:
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "little") / 2.0**64
