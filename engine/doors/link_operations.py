"""From what a plugin asks for over the link to the engine's requests."""

from __future__ import annotations

import math
from dataclasses import replace

from bridge.link_requests import LinkGenerate
from engine.errors import BadRange
from engine.jobs import Engine
from engine.types import GenerateRequest, Interpolate

__all__ = ["request_of"]

_FROM_PLUGIN = "from a plugin"


def request_of(engine: Engine, default_voice: str, asked: LinkGenerate) -> GenerateRequest:
    """The engine's request. Raises VoiceError and BadRange."""
    voice = asked.voice or default_voice
    request = GenerateRequest(
        voice=voice,
        prompt=asked.prompt,
        negative=asked.negative,
        seed=asked.seed,
        steps=asked.steps or engine.voices.default_steps(voice),
        count=asked.count,
        seconds=asked.seconds,
        loop=asked.loop,
        note=asked.note,
        guidance=asked.guidance,
        descriptors=asked.descriptors,
        biases=asked.biases,
        source=asked.source,
        source_rate=asked.source_rate,
        source_id=asked.source_clip,
        source_name=_FROM_PLUGIN,
        strength=asked.strength,
    )
    if asked.bars is not None:
        # In quarter notes, which serve bars of 3/4 and 7/8 as well.
        quarters = asked.bars * asked.bar_quarters
        request = replace(request, seconds=None, bars=quarters, beats=1, bpm=asked.bpm)
    return _between(request, asked) if asked.second is not None else request


def _between(request: GenerateRequest, asked: LinkGenerate) -> GenerateRequest:
    """Evenly spaced sounds between the two sources, without these; lengths lie between theirs."""
    space = 1.0 / (max(asked.count, 1) + 1)
    even = (space, 1.0 - space)
    if not all(math.isclose(*pair, abs_tol=1e-4) for pair in zip(asked.mix, even, strict=True)):
        raise BadRange(
            f"mix from {asked.mix[0]:g} to {asked.mix[1]:g}: expected {even[0]:g} to {even[1]:g}, "
            f"which spaces {asked.count} sounds evenly between the two"
        )
    return replace(
        request,
        seconds=None,
        loop=False,
        first=1,
        operation=Interpolate(points=asked.count + 2),
        other=asked.second,
        other_rate=asked.second_rate,
        other_id=asked.second_clip,
        other_name=_FROM_PLUGIN,
    )
