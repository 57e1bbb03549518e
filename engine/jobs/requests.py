"""Checks a request at the border, so that a wrong value is answered before it costs anything."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from engine.audio_files import RATES_HZ
from engine.errors import BadRange
from engine.types import (
    DESCRIPTORS,
    Continue,
    FloatArray,
    GenerateRequest,
    Inpaint,
    Interpolate,
    Sketch,
)

MAX_PROMPT = 500
MAX_STEPS = 64
MAX_COUNT = 64
MAX_FIRST = 2**31 - 1
MAX_POINTS = 4096
MAX_SECONDS = 60.0
"""Longest request of any voice; a voice's own limit is usually far below."""
MAX_SEED = 2**63 - 1


def check_request(request: GenerateRequest) -> None:
    """Raise BadRange for the first value outside its range, saying what was expected."""
    _text("prompt", request.prompt)
    _text("negative", request.negative)
    if request.seed is not None:
        _whole("seed", request.seed, 0, MAX_SEED)
    _whole("steps", request.steps, 1, MAX_STEPS)
    _whole("count", request.count, 1, MAX_COUNT)
    _whole("first variation", request.first, 0, MAX_FIRST)
    if request.seconds is not None:
        _number("seconds", request.seconds, 0.01, MAX_SECONDS)
    if request.note is not None:
        _whole("note", request.note, 0, 127)
    if request.guidance is not None:
        _number("guidance", request.guidance, 0.0, 20.0)
    if request.rate is not None:
        _whole("rate", request.rate, *RATES_HZ)
    _tempo(request)
    _number("strength", request.strength, 0.0, 1.0)
    _text("morph", request.morph)
    _number("mix", request.mix, 0.0, 1.0)
    _table("descriptor", request.descriptors, 0.0)
    _table("bias of descriptor", request.biases, -1.0)
    if request.source is not None:
        _source("source", request.source, request.source_rate)
    if request.other is not None:
        _source("other source", request.other, request.other_rate)
    if request.operation is not None:
        check_operation(request)


def source_bytes(request: GenerateRequest) -> int:
    """Memory that the request's source audio holds."""
    return sum(int(audio.nbytes) for audio in (request.source, request.other) if audio is not None)


def check_operation(request: GenerateRequest) -> None:
    """Raise BadRange for an operation without its sources, or with a value outside its range."""
    operation = request.operation
    if isinstance(operation, Sketch):
        _curve("loudness", operation.loudness)
        _curve("brightness", operation.brightness)
        if not operation.loudness and not _has(request, "source"):
            raise BadRange("sketch: expected a recording, or a drawn loudness")
        return
    name = type(operation).__name__.lower()
    if not _has(request, "source"):
        raise BadRange(f"{name}: expected a source, a clip or a sound")
    if request.loop:
        raise BadRange(f"{name} with loop: expected one or the other; vary the result with loop")
    if isinstance(operation, Inpaint):
        _number("region start", operation.start, 0.0, MAX_SECONDS)
        _number("region end", operation.end, operation.start, MAX_SECONDS)
        _number("region strength", operation.strength, 0.0, 1.0)
    elif isinstance(operation, Continue):
        _number("seconds to continue", operation.seconds, 0.01, MAX_SECONDS)
    elif isinstance(operation, Interpolate):
        if operation.points != 0:
            _whole("points", operation.points, 2, MAX_COUNT)
        _number("mix", operation.mix, 0.0, 1.0)
        _number("strength between", operation.strength, 0.0, 1.0)
        if not _has(request, "other"):
            raise BadRange("interpolate: expected a second source, a clip or a sound")


def _has(request: GenerateRequest, which: str) -> bool:
    return bool(getattr(request, f"{which}_id")) or getattr(request, which) is not None


def _tempo(request: GenerateRequest) -> None:
    _whole("beats", request.beats, 1, 64)
    if request.bpm is not None:
        _number("bpm", request.bpm, 10.0, 1000.0)
    if request.bars is not None:
        _number("bars", request.bars, 1 / 64, 1024.0)
        if request.bpm is None:
            raise BadRange(f"bars {request.bars:g} without bpm: expected a tempo as well")


def _curve(name: str, points: tuple[float, ...]) -> None:
    if len(points) > MAX_POINTS:
        raise BadRange(f"{name} of {len(points)} points: expected at most {MAX_POINTS}")
    for point in points:
        _number(f"point of {name}", point, 0.0, 1.0)


def _text(name: str, value: str) -> None:
    if len(value) > MAX_PROMPT:
        raise BadRange(f"{name} of {len(value)} characters: expected at most {MAX_PROMPT}")


def _whole(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise BadRange(f"{name} {value}: expected {low} to {high}")


def _number(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise BadRange(f"{name} {value:g}: expected {low:g} to {high:g}")


def _table(name: str, values: Mapping[str, float], low: float) -> None:
    for key, value in values.items():
        if key not in DESCRIPTORS:
            raise BadRange(f"{name} {key!r}: expected one of {', '.join(DESCRIPTORS)}")
        _number(f"{name} {key}", value, low, 1.0)


def _source(name: str, source: FloatArray, sample_rate: int) -> None:
    if source.ndim != 2 or source.shape[0] < 1 or source.shape[1] < 1:
        raise BadRange(f"{name} of shape {source.shape}: expected (channels, frames), not empty")
    _whole(f"{name} rate", sample_rate, *RATES_HZ)
    _number(f"{name} length in seconds", source.shape[1] / sample_rate, 0.0, MAX_SECONDS)
    if not np.isfinite(source).all():
        raise BadRange(f"{name} holds samples that are not numbers: expected finite samples")
