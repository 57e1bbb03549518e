"""Latents longer than the voice was trained on: window after window, each hearing the last."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.operations.bench import Bench, Draw
from engine.types import FloatArray

__all__ = ["ending", "extended", "runs_to_extend"]

_HELD = 12
"""Latent frames of the past that the future is first taken to be like, to and fro."""

_START = 0.9
"""Noise time from which a window is made: it keeps the loudness, and not the sound, of those."""

_SOFT = 4
"""Latent frames before a joint over which the past gives way."""


def extended(bench: Bench, latent: FloatArray, frames: int, *, stream: int = 1) -> FloatArray:
    """(1, D, L) -> (1, D, frames): what was there stays, what follows is made to go on from it.

    Noise streams from `stream` on are used, one a window (`runs_to_extend`).
    """
    codec = bench.voice.codec
    for known, fresh, kept in _windows(latent.shape[2], frames, codec.longest_frames):
        window = max(known + fresh, codec.shortest_frames)
        clean = np.zeros((1, latent.shape[1], window), dtype=np.float32)
        clean[..., :known] = latent[..., latent.shape[2] - known :]
        held = clean[..., max(0, known - _HELD) : known]
        clean[..., known:] = np.take(held, _to_and_fro(held.shape[2], window - known), axis=2)
        keep = np.zeros((1, 1, window), dtype=np.float32)
        soft = min(_SOFT, known // 4)
        keep[..., : known - soft] = 1.0
        keep[..., known - soft : known] = np.linspace(1.0, 0.0, soft + 2, dtype=np.float32)[1:-1]
        made = bench.sample(Draw(window, clean=clean, start=_START, keep=keep, stream=stream))
        before = latent[..., : latent.shape[2] - soft]
        latent = np.concatenate((before, made[..., known - soft : known + kept]), axis=2)
        stream += 1
    return latent


def runs_to_extend(bench: Bench, known: int, frames: int) -> int:
    """How many runs of the sampler `extended` takes from `known` frames to `frames`."""
    return sum(1 for _ in _windows(known, frames, bench.voice.codec.longest_frames))


def ending(longest: int) -> int:
    """Frames at the end of a full window in which the voice lets a sound end."""
    return longest // 4


def _windows(have: int, frames: int, longest: int) -> Iterator[tuple[int, int, int]]:
    """Frames that each window hears, makes and keeps.

    A window hears all of the past that fits, at least half of its length; of all windows but the
    last the ending is dropped, since the sound is to go on.
    """
    while have < frames:
        known = min(have, max(math.ceil(longest / 2), longest - (frames - have)))
        fresh = min(longest - known, frames - have)
        last = have + fresh >= frames
        kept = fresh if last else max(fresh - ending(longest), 1)
        yield known, fresh, kept
        have += kept


def _to_and_fro(count: int, length: int) -> NDArray[np.int64]:
    """Indices (length,) that go back from the last of `count`, forth again, and so on."""
    there = np.arange(count - 1, -1, -1)
    return np.asarray(np.resize(np.concatenate((there, there[::-1])), length), dtype=np.int64)
