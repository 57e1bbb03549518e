"""From a recording to a pattern: what was played, at which tempo, how near to the grid."""

from __future__ import annotations

import math

import numpy as np

from engine.audio_files import resample
from engine.errors import BadRange
from engine.operations.onsets import SAMPLE_RATE, onsets
from engine.patterns.beat.drums import drums
from engine.patterns.beat.tempo import estimate_bpm
from engine.patterns.pattern import BARS, Hit, Pattern, ordered
from engine.types import FloatArray

GRIDS = (1, 24)
_SOFTEST = 0.15


def heard_pattern(
    audio: FloatArray,
    sample_rate: int,
    *,
    name: str = "beat",
    bars: int | None = None,
    bpm: float | None = None,
    beats: int = 4,
    quantise: float = 0.8,
    grid: int = 4,
) -> Pattern:
    """The pattern in a recording `(C, T)`; its first sound is the first beat.

    bpm, bars: None takes them from the recording. quantise: 0 keeps every sound where it was
    played, 1 puts it on the grid of `grid` steps a beat. Raises BadRange when nothing begins
    in the recording, or for a value out of range.
    """
    if not 0.0 <= quantise <= 1.0:
        raise BadRange(f"quantise {quantise:g}: expected 0 to 1")
    if not GRIDS[0] <= grid <= GRIDS[1]:
        raise BadRange(f"grid {grid}: expected {GRIDS[0]} to {GRIDS[1]} steps a beat")
    mono = resample(audio.mean(axis=0, keepdims=True), sample_rate, SAMPLE_RATE)[0]
    sound = mono.astype(np.float64)
    found = onsets(sound)
    if not found:
        raise BadRange("no sound begins in this recording: expected taps, a beatbox or drums")
    heard = drums(sound, found)
    times = [(onset.frame - found[0].frame) / SAMPLE_RATE for onset in found]
    tempo = estimate_bpm(times, [onset.clearness for onset in found]) if bpm is None else bpm
    loudest: dict[str, float] = {}
    for role, peak in heard:
        loudest[role] = max(loudest.get(role, 1e-9), peak)
    hits = []
    for time, (role, peak) in zip(times, heard, strict=True):
        beat = time * tempo / 60.0
        beat += quantise * (round(beat * grid) / grid - beat)
        loud = max(_SOFTEST, min(1.0, (peak / loudest[role]) ** (1.0 / 1.6)))
        hits.append(Hit(role, beat, loud))
    if bars is None:
        last = max(hit.beat for hit in hits)
        bars = min(BARS[1], max(1, math.ceil((last + 1e-3) / beats)))
    inside = [hit for hit in hits if hit.beat < bars * beats - 1e-6]
    return Pattern(name[:100], bars, beats, tempo, ordered(inside))
