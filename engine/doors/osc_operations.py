"""From what an OSC client asks for to the engine's requests."""

from __future__ import annotations

from dataclasses import replace

from bridge import osc_requests as requests
from engine.errors import BadRange, NotFound
from engine.jobs import Engine
from engine.library import ClipRecord
from engine.library.importing import IMPORT
from engine.types import (
    Continue,
    GenerateRequest,
    Inpaint,
    Interpolate,
    Operation,
    Resynthesise,
    Sketch,
)

__all__ = ["Asked", "asked_of"]

Asked = (
    requests.GenerateCommand
    | requests.VaryCommand
    | requests.InpaintCommand
    | requests.ContinueCommand
    | requests.InterpolateCommand
    | requests.SketchCommand
    | requests.ResynthesiseCommand
)


def asked_of(engine: Engine, default_voice: str, command: Asked) -> GenerateRequest:
    """The engine's request. Raises NotFound, VoiceError and BadRange."""
    if isinstance(command, requests.GenerateCommand):
        return _generate(engine, default_voice, command)
    if isinstance(command, requests.SketchCommand):
        return _sketch(engine, default_voice, command)
    if isinstance(command, requests.InterpolateCommand):
        source = engine.record(command.clip_a)
        between = Interpolate(points=command.points, mix=command.mix)
        request = _on(engine, default_voice, source, command.steps, command.prompt, between)
        return replace(
            request, seed=command.seed, other_id=command.clip_b, count=max(1, command.points)
        )
    source = engine.record(command.clip)
    if isinstance(command, requests.ResynthesiseCommand):
        voice = command.voice or _voice_of(source) or default_voice
        return _on(engine, voice, source, None, None, Resynthesise(), voice=voice)
    if isinstance(command, requests.VaryCommand):
        request = _on(engine, default_voice, source, command.steps, command.prompt, None)
        return replace(
            request, seed=command.seed, count=command.count, strength=command.strength,
            loop=command.loop, bars=command.bars, bpm=command.bpm, rate=command.rate,
        )  # fmt: skip
    operation: Operation
    if isinstance(command, requests.InpaintCommand):
        operation = Inpaint(command.start, command.end, command.strength)
    else:
        operation = Continue(command.seconds)
    request = _on(engine, default_voice, source, command.steps, command.prompt, operation)
    return replace(request, seed=command.seed, count=command.count)


def _generate(
    engine: Engine, default_voice: str, command: requests.GenerateCommand
) -> GenerateRequest:
    operation: Operation | None = None
    source, other = command.source or "", ""
    if command.mask_start is not None or command.mask_end is not None:
        if command.mask_start is None or command.mask_end is None:
            raise BadRange("mask_start and mask_end: expected both, the ends of the region")
        operation = Inpaint(command.mask_start, command.mask_end, command.strength)
    if command.clip_a is not None or command.clip_b is not None:
        if operation is not None or source or command.clip_a is None or command.clip_b is None:
            raise BadRange("clip_a and clip_b: expected both, and neither source nor mask")
        operation = Interpolate(mix=command.mix)
        source, other = command.clip_a, command.clip_b
    return replace(
        _words(engine, default_voice, command),
        negative=command.negative,
        note=command.note,
        guidance=command.guidance,
        descriptors=command.descriptors,
        source_id=source,
        strength=command.strength,
        morph=command.morph,
        mix=command.mix if command.morph else 0.0,
        operation=operation,
        other_id=other,
    )


def _sketch(engine: Engine, default_voice: str, command: requests.SketchCommand) -> GenerateRequest:
    if not command.clip and not command.loudness:
        raise NotFound(
            "sketch: no recording and no drawn loudness; name a clip, or give the key loudness"
        )
    curves = Sketch(
        _points("loudness", command.loudness), _points("brightness", command.brightness)
    )
    request = _words(engine, default_voice, command)
    return replace(request, operation=curves, source_id=command.clip)


def _words(
    engine: Engine,
    default_voice: str,
    command: requests.GenerateCommand | requests.SketchCommand,
) -> GenerateRequest:
    """A request for a new sound of words, a length and a seed."""
    voice = command.voice or default_voice
    return GenerateRequest(
        voice=voice,
        prompt=command.prompt,
        seed=command.seed,
        steps=command.steps or engine.voices.default_steps(voice),
        count=command.count,
        seconds=command.duration,
        bars=command.bars,
        bpm=command.bpm,
        loop=command.loop,
        rate=command.rate,
    )


def _on(
    engine: Engine,
    default_voice: str,
    source: ClipRecord,
    steps: int | None,
    prompt: str | None,
    operation: Operation | None,
    *,
    voice: str = "",
) -> GenerateRequest:
    """A request that works on a clip, with its own voice and words unless others are given."""
    chosen = voice or _voice_of(source) or default_voice
    return GenerateRequest(
        voice=chosen,
        prompt=source.prompt if prompt is None else prompt,
        negative=source.negative,
        steps=steps or source.steps or engine.voices.default_steps(chosen),
        source_id=source.id,
        operation=operation,
    )


def _voice_of(clip: ClipRecord) -> str:
    """The voice that made a clip; empty for an imported one."""
    return "" if clip.voice == IMPORT else clip.voice


def _points(name: str, text: str) -> tuple[float, ...]:
    """Numbers separated by spaces or commas."""
    try:
        return tuple(float(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise BadRange(
            f"{name} {text[:60]!r}: expected numbers 0 to 1 separated by spaces"
        ) from None
