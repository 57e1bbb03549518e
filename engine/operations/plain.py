"""A new sound from noise, and a variation of a source."""

from __future__ import annotations

import numpy as np

from engine.operations.bench import LEAST_STRENGTH, Bench, Draw, Made
from engine.operations.finish import finish
from engine.operations.lengths import clip_samples, latent_frames, rate_of
from engine.operations.waves import as_mono, at_rate, fitted, played, spread
from engine.types import FloatArray

__all__ = ["new_sound", "source_at_rate", "source_latent", "vary"]


def new_sound(bench: Bench) -> Made:
    """A sound from noise; beyond what the voice was trained on it ends in silence."""
    voice, request = bench.voice, bench.request
    rate = rate_of(request, voice)
    samples = clip_samples(request, voice, max(1, round(voice.default_seconds * rate)))
    codec = voice.codec
    frames = max(latent_frames(samples, rate, voice), codec.shortest_frames)
    audio = bench.decode(bench.sample(Draw(min(frames, codec.longest_frames))))
    sound = at_rate(audio, voice.sample_rate, rate)[np.newaxis]
    return Made(finish(sound, samples, rate, level=not bench.says("loudness")), rate)


def vary(bench: Bench) -> Made:
    """The source, made anew from noise of `strength`; at 0 it is the source to the bit."""
    voice, request = bench.voice, bench.request
    source, rate = source_at_rate(bench)
    samples = clip_samples(request, voice, source.shape[1])
    if request.strength == 0.0:
        return Made(played(fitted(source, samples)), rate)
    frames = max(latent_frames(samples, rate, voice), voice.codec.shortest_frames)
    latent = source_latent(bench, frames)
    if request.strength >= LEAST_STRENGTH:
        latent = bench.sample(Draw(frames, clean=latent, start=request.strength))
    sound = at_rate(bench.decode(latent), voice.sample_rate, rate)
    return Made(finish(spread(sound, played(source)), samples, rate), rate)


def source_at_rate(bench: Bench) -> tuple[FloatArray, int]:
    """The source (C, T) at the clip's rate, and that rate."""
    request = bench.request
    assert request.source is not None
    rate = rate_of(request, bench.voice)
    return at_rate(request.source, request.source_rate, rate), rate


def source_latent(bench: Bench, frames: int) -> FloatArray:
    """The source's latents (1, D, frames); it is cut, or followed by silence."""
    request = bench.request
    assert request.source is not None
    mono = at_rate(as_mono(request.source), request.source_rate, bench.voice.sample_rate)
    return bench.encode(mono, frames)
