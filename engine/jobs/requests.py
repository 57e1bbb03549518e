"""Checks a request at the border, so that a wrong value is answered before it costs anything."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from engine.errors import BadRange
from engine.types import DESCRIPTORS, GenerateRequest

MAX_PROMPT = 500
MAX_STEPS = 64
MAX_COUNT = 64
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
    if request.seconds is not None:
        _number("seconds", request.seconds, 0.01, MAX_SECONDS)
    if request.note is not None:
        _whole("note", request.note, 0, 127)
    if request.guidance is not None:
        _number("guidance", request.guidance, 0.0, 20.0)
    _number("strength", request.strength, 0.0, 1.0)
    _table("descriptor", request.descriptors, 0.0)
    _table("bias of descriptor", request.biases, -1.0)
    if request.source is not None:
        _source(request)


def source_bytes(request: GenerateRequest) -> int:
    """Memory that the request's source audio holds."""
    return 0 if request.source is None else int(request.source.nbytes)


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


def _source(request: GenerateRequest) -> None:
    source = request.source
    assert source is not None
    if source.ndim != 2 or source.shape[0] < 1 or source.shape[1] < 1:
        raise BadRange(f"source of shape {source.shape}: expected (channels, frames), not empty")
    _whole("source rate", request.source_rate, 4_000, 768_000)
    _number("source length in seconds", source.shape[1] / request.source_rate, 0.0, MAX_SECONDS)
    if not np.isfinite(source).all():
        raise BadRange("source holds samples that are not numbers: expected finite samples")
