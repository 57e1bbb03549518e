"""Denoise a whole sound that is in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.denoising.amount import DEFAULT_AMOUNT_DB, check_amount, delta
from engine.denoising.noise_level import learned
from engine.denoising.rates import Aligned, native_rate
from engine.denoising.stream import Stream
from engine.denoising.voice import Denoiser, find_denoiser
from engine.errors import BadRange

__all__ = ["Split", "denoise", "profile", "split"]

Array = NDArray[np.float32]

BLOCK_FRAMES = 32_768
"""Samples that are fed at once."""


@dataclass(frozen=True)
class Split:
    """A sound in two parts, (channels, samples) each: what stays, and what was removed."""

    wet: Array
    removed: Array


def denoise(
    sound: Array,
    rate: int,
    *,
    noise: Array | None = None,
    amount_decibels: float = DEFAULT_AMOUNT_DB,
    voice: str | Denoiser = "",
) -> Array:
    """The sound (channels, samples) float32 at ``rate`` hertz without its noise, the same shape.

    noise: a passage of noise alone at the same rate, (channels or 1, samples), to learn from;
    without it the noise is tracked. amount_decibels: as far as noise is brought down. voice: the
    name or folder of a denoiser, "" = the shipped one. Raises BadRange or VoiceError.
    """
    return split(sound, rate, noise=noise, amount_decibels=amount_decibels, voice=voice).wet


def split(
    sound: Array,
    rate: int,
    *,
    noise: Array | None = None,
    amount_decibels: float = DEFAULT_AMOUNT_DB,
    voice: str | Denoiser = "",
    progress: Callable[[float], None] = lambda _share: None,
) -> Split:
    """As denoise, with what was removed: wet + removed is the sound."""
    if sound.ndim != 2 or not sound.shape[0]:
        raise BadRange(f"sound of shape {sound.shape}; expected (channels, samples)")
    check_amount(amount_decibels)
    denoiser = find_denoiser(voice) if isinstance(voice, str) else voice
    power = None if noise is None else profile(noise, rate, denoiser)
    stream = Stream(denoiser.answers(), sound.shape[0], denoiser.size, denoiser.hop, power)
    aligned = Aligned(stream, rate, lambda dry, clean: delta(dry, clean, amount_decibels))
    pieces = []
    for begin in range(0, sound.shape[1], BLOCK_FRAMES):
        pieces.append(aligned.feed(sound[:, begin : begin + BLOCK_FRAMES]))
        progress(min(1.0, (begin + BLOCK_FRAMES) / sound.shape[1]))
    pieces.append(aligned.finish())
    dry, removed = (np.concatenate(part, axis=1) for part in zip(*pieces, strict=True))
    return Split(dry - removed, removed)


def profile(noise: Array, rate: int, denoiser: Denoiser) -> Array:
    """The noise's power (channels, bins) at the denoiser's frames, from a passage of it alone.

    Raises BadRange for a passage without a sample.
    """
    noise = np.atleast_2d(np.nan_to_num(np.asarray(noise, np.float32)))
    if not noise.shape[1]:
        raise BadRange("the passage to learn from holds no sample; expected noise alone")
    if native_rate(rate) != rate:
        from engine.audio_files import resample

        noise = resample(noise, rate, native_rate(rate))
    return learned(noise, denoiser.size, denoiser.hop)
