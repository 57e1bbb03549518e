"""Plain work on waveforms: channels, rates, exact lengths, the 24-bit grid and splices."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from engine.operations.finish import GRID, PEAK
from engine.types import FloatArray

__all__ = [
    "CROSSFADE_S",
    "as_clip",
    "as_mono",
    "at_rate",
    "fitted",
    "on_grid",
    "played",
    "spliced",
    "spread",
]

CROSSFADE_S = 0.010
"""Where new sound meets kept sound, one fades into the other for this long, inside the new."""


def as_mono(audio: FloatArray) -> FloatArray:
    """(C, T) -> (T,), the mean of the channels."""
    return np.asarray(audio.mean(axis=0), dtype=np.float32)


def played(audio: FloatArray) -> FloatArray:
    """(C, T) as a clip keeps it: one or two channels, more are mixed to one; on the grid."""
    kept = audio if audio.shape[0] <= 2 else audio.mean(axis=0, keepdims=True)
    return on_grid(kept)


def as_clip(audio: FloatArray) -> FloatArray:
    """A sound from outside as a clip: at most two channels, turned down if too loud, on the grid.

    A clip is returned as it is, to the bit.
    """
    peak = float(np.abs(audio).max(initial=0.0))
    return played(audio * np.float32(PEAK / peak) if peak > 1.0 else audio)


def on_grid(audio: npt.NDArray[np.floating[Any]]) -> FloatArray:
    """The nearest samples that 24-bit files hold, within [-1, 1)."""
    whole = np.clip(np.rint(audio.astype(np.float64) * GRID), -GRID, GRID - 1.0)
    return np.asarray(whole / GRID, dtype=np.float32)


def fitted(audio: FloatArray, samples: int) -> FloatArray:
    """(..., T) cut, or followed by silence, to (..., samples)."""
    short = samples - audio.shape[-1]
    if short <= 0:
        return audio[..., :samples]
    return np.pad(audio, [(0, 0)] * (audio.ndim - 1) + [(0, short)])


def at_rate(audio: FloatArray, from_hz: int, to_hz: int, samples: int | None = None) -> FloatArray:
    """(C, T) or (T,) at another rate (soxr, very high quality), of exactly `samples` if given."""
    out = audio
    if from_hz != to_hz:
        out = soxr.resample(np.ascontiguousarray(audio.T), from_hz, to_hz, quality="VHQ").T
    out = out if samples is None else fitted(out, samples)
    return np.ascontiguousarray(out, dtype=np.float32)


def spread(mono: FloatArray, like: FloatArray) -> FloatArray:
    """(T,) -> (C, T): each channel as loud against the mean as it is in `like` (C, N)."""
    power = np.sqrt((like.astype(np.float64) ** 2).mean(axis=1))
    whole = float(np.sqrt((as_mono(like).astype(np.float64) ** 2).mean()))
    gains = np.clip(power / whole, 0.0, 4.0) if whole > 1e-6 else np.ones(len(like))
    return np.asarray(mono[np.newaxis] * gains[:, np.newaxis], dtype=np.float32)


def spliced(base: FloatArray, new: FloatArray, start: int, end: int, fade: int) -> FloatArray:
    """`base` (C, T), with `new` (C, T) from sample `start` to `end`; the rest to the bit.

    They fade into each other for `fade` samples at both ends of the region, inside it; not where
    the region touches the clip's own ends. New sound that is too loud is turned down.
    """
    length = end - start
    weight = np.ones(length)
    fade = min(fade, length // 2)
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / max(fade, 1))
    if start > 0:
        weight[:fade] = rise
    if end < base.shape[1]:
        weight[length - fade :] = rise[::-1]
    part = new[:, start:end].astype(np.float64)
    peak = float(np.abs(part).max(initial=0.0))
    part *= min(1.0, PEAK / peak) if peak > 0.0 else 1.0
    out = np.array(base, dtype=np.float32)
    out[:, start:end] = on_grid(base[:, start:end] * (1.0 - weight) + part * weight)
    return out
