"""Denoise a whole sound that is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.denoising.amount import DEFAULT_AMOUNT_DB, MOST_AMOUNT_DB, check_amount, delta
from engine.denoising.noise_level import learned
from engine.denoising.rates import Aligned, native_rate
from engine.denoising.stream import Stream
from engine.denoising.voice import Denoiser, find_denoiser
from engine.errors import BadRange

__all__ = ["QUALITIES", "Split", "denoise", "profile", "split"]

Array = NDArray[np.float32]
Progress = Callable[[float], None]

BLOCK_FRAMES = 32_768
"""Samples that are fed at once."""


QUALITIES = ("live", "best")
"""``live`` is what a stream gives. ``best`` goes over the sound twice: first to hear all of it,
then again with the noise that was found in the whole, unless a passage of noise is given."""


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
    quality: str = "live",
) -> Array:
    """The sound (channels, samples) float32 at ``rate`` hertz without its noise, the same shape.

    noise: a passage of noise alone at the same rate, (channels or 1, samples), to learn from;
    without it the noise is tracked. amount_decibels: as far as noise is brought down. voice: the
    name or folder of a denoiser, "" = the shipped one. Raises BadRange or VoiceError.
    """
    denoiser = find_denoiser(voice) if isinstance(voice, str) else voice
    return split(sound, rate, denoiser, amount_decibels, noise=noise, quality=quality).wet


def split(
    sound: Array,
    rate: int,
    denoiser: Denoiser,
    amount_db: float = DEFAULT_AMOUNT_DB,
    *,
    noise: Array | None = None,
    quality: str = "live",
    progress: Progress = lambda _share: None,
) -> Split:
    """As denoise, with what was removed: wet + removed is the sound.

    progress hears the share that is done; what it raises ends the work.
    """
    if sound.ndim != 2 or not sound.shape[0]:
        raise BadRange(f"sound of shape {sound.shape}; expected (channels, samples)")
    check_amount(amount_db)
    check_quality(quality)
    power = None if noise is None else profile(noise, rate, denoiser)
    passes = passes_of(quality, power)

    def blocks(number: int) -> Iterator[Array]:
        for begin in range(0, sound.shape[1], BLOCK_FRAMES):
            yield sound[:, begin : begin + BLOCK_FRAMES]
            share = min(1.0, (begin + BLOCK_FRAMES) / sound.shape[1])
            progress((number + share) / passes)

    if passes == 2:
        power = found_noise(blocks(0), sound.shape[0], rate, denoiser)
    aligned = aligned_stream(sound.shape[0], rate, denoiser, amount_db, power)
    pieces = list(aligned.run(blocks(passes - 1)))
    dry, removed = (np.concatenate(part, axis=1) for part in zip(*pieces, strict=True))
    return Split(dry - removed, removed)


def check_quality(quality: str) -> None:
    """Raise BadRange unless it is one of QUALITIES."""
    if quality not in QUALITIES:
        raise BadRange(f"quality {quality!r}; expected one of: {', '.join(QUALITIES)}")


def passes_of(quality: str, noise: Array | None) -> int:
    """How often a sound is gone over."""
    return 2 if quality == "best" and noise is None else 1


def aligned_stream(
    channels: int, rate: int, denoiser: Denoiser, amount_db: float, noise: Array | None = None
) -> Aligned:
    """A new stream, fed at its own rate, that removes noise by an amount."""
    stream = Stream(denoiser.answers(), channels, denoiser.size, denoiser.hop, noise)
    return Aligned(stream, rate, lambda dry, clean: delta(dry, clean, amount_db))


def found_noise(
    blocks: Iterable[Array], channels: int, rate: int, denoiser: Denoiser
) -> Array | None:
    """Mean power (channels, bins) of what a pass over a sound removes; None for an empty one."""
    aligned = aligned_stream(channels, rate, denoiser, MOST_AMOUNT_DB)
    for _ in aligned.run(blocks):
        pass
    stream = aligned.stream
    return np.asarray(stream.removed / stream.frames, np.float32) if stream.frames else None


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
