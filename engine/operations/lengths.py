"""How long a clip gets, exact to the sample at the caller's rate."""

from __future__ import annotations

import math

from engine.errors import BadRange
from engine.operations.bench import LEAST_STRENGTH
from engine.types import Continue, GenerateRequest, Inpaint, Interpolate, Sketch
from engine.voice import Voice

__all__ = ["asked_seconds", "clip_samples", "latent_frames", "rate_of"]


def rate_of(request: GenerateRequest, voice: Voice) -> int:
    """Sample rate of the clip: as asked, else the voice's.

    A source whose samples stay keeps its rate, and so does one whose rate is higher.
    """
    if request.rate is not None:
        return request.rate
    if request.source is None or isinstance(request.operation, Sketch):
        return voice.sample_rate
    if isinstance(request.operation, Inpaint | Continue | Interpolate) or (
        request.operation is None and request.strength < LEAST_STRENGTH
    ):
        return request.source_rate
    return max(request.source_rate, voice.sample_rate)


def asked_seconds(request: GenerateRequest) -> float | None:
    """Length that the request names, by bars at a tempo or by seconds; None when it names none."""
    if request.bars is None:
        return request.seconds
    if request.bpm is None:
        raise BadRange(f"bars is {request.bars:g} without a tempo; give bpm as well")
    return request.bars * request.beats * 60 / request.bpm


def clip_samples(request: GenerateRequest, voice: Voice, usual: int) -> int:
    """Samples of the clip: round(seconds * rate), or `usual` when no length was asked for.

    Raises BadRange for a length that the voice does not make.
    """
    rate = rate_of(request, voice)
    seconds = asked_seconds(request)
    samples = usual if seconds is None or not math.isfinite(seconds) else round(seconds * rate)
    length = samples / rate if seconds is None else seconds
    if not 0.0 < length <= voice.max_seconds:
        said = f"{request.bars:g} bars at {request.bpm:g} BPM: " if request.bars else ""
        raise BadRange(
            f"{said}seconds is {length:g}; voice {voice.name!r} makes more than 0, "
            f"at most {voice.max_seconds:g}"
        )
    return max(1, samples)


def latent_frames(samples: int, sample_rate: int, voice: Voice) -> int:
    """Latent frames that cover `samples` at `sample_rate`, at least one."""
    at_voice = samples * voice.sample_rate / sample_rate
    return max(1, math.ceil(at_voice / voice.codec.hop_frames - 1e-9))
