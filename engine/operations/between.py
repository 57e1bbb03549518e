"""From one clip to another: latents on a line, made anew in the middle from noise on a circle."""

from __future__ import annotations

import numpy as np

from engine.errors import BadRange
from engine.interpolation import linear, slerp
from engine.operations.bench import LEAST_STRENGTH, Bench, Draw, Made
from engine.operations.finish import finish
from engine.operations.lengths import latent_frames
from engine.operations.plain import source_at_rate, source_latent
from engine.operations.waves import as_mono, at_rate, played, spread
from engine.types import FloatArray, Interpolate

__all__ = ["interpolate", "place"]


def interpolate(bench: Bench, operation: Interpolate) -> Made:
    """What lies between the source and `other`; the two ends are these, to the bit.

    Rates and lengths follow the line as well: the clip has the source's rate, and a length
    between theirs.
    """
    voice, request = bench.voice, bench.request
    if request.other is None:
        raise BadRange("interpolation needs a second sound; give the clip to go to")
    source, rate = source_at_rate(bench)
    other = at_rate(request.other, request.other_rate, rate)
    mix = place(operation, bench.index)
    if mix in (0.0, 1.0):
        return Made(played(other if mix else source), rate)
    longest = max(source.shape[1], other.shape[1])
    if longest > voice.max_seconds * rate:
        raise BadRange(
            f"a source of {longest / rate:g} s; voice {voice.name!r} makes at most "
            f"{voice.max_seconds:g} s"
        )
    frames = max(latent_frames(longest, rate, voice), voice.codec.shortest_frames)
    mono = at_rate(as_mono(request.other), request.other_rate, voice.sample_rate)
    ends = source_latent(bench, frames), bench.encode(mono, frames)
    latent = np.asarray(linear(*ends, mix), dtype=np.float32)
    strength = operation.strength * 4.0 * mix * (1.0 - mix)
    if strength >= LEAST_STRENGTH:

        def noise(draw: int) -> FloatArray:
            a, b = (bench.noise(index, draw, frames) for index in (0, 1))
            return np.asarray(slerp(a, b, mix), dtype=np.float32)

        latent = bench.sample(Draw(frames, clean=latent, start=strength, noise=noise))
    samples = round((1.0 - mix) * source.shape[1] + mix * other.shape[1])
    sound = at_rate(bench.decode(latent), voice.sample_rate, rate)
    nearer = played(other if mix > 0.5 else source)
    return Made(finish(spread(sound, nearer), samples, rate), rate)


def place(operation: Interpolate, index: int) -> float:
    """How far from the source variation `index` lies, 0..1."""
    if operation.points < 2:
        return operation.mix
    return min(index, operation.points - 1) / (operation.points - 1)
