"""A pattern and the sounds of its drums become a loop: exact to the sample, without a seam.

What sounds on past the end of the loop sounds on at its start, so that the loop played twice is
the same as the pattern played twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.audio_files import resample
from engine.patterns.pattern import Hit, Pattern
from engine.patterns.roles import ROLES, gain_of
from engine.types import FloatArray

PEAK = 0.9
"""Where the loudest sample of a loop is brought to."""

_ONSET = 0.1  # of the peak: where a sound is heard to begin
_BEFORE_S = 0.002  # kept of what comes before that
_FADE_IN_S = 0.0005
_CUT_S = 0.012  # fade of a hit that another one cuts off
_GRID = 2**23

Sound = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Take:
    """One sound of a drum: mono `(T,)`, and the sample at which it is heard to begin."""

    sound: Sound
    onset: int


def take_of(audio: FloatArray, from_hz: int, sample_rate: int) -> Take:
    """A generated hit `(C, T)` ready for the mix: at the loop's rate, without a late start.

    Silence before the onset is cut off, so that every hit falls where it is written.
    """
    mono = resample(audio.mean(axis=0, keepdims=True), from_hz, sample_rate)[0].astype(np.float64)
    level = np.abs(mono)
    peak = float(level.max(initial=0.0))
    if peak == 0.0:
        return Take(mono[:0], 0)
    onset = int(np.argmax(level >= _ONSET * peak))
    first = max(0, onset - round(_BEFORE_S * sample_rate))
    sound = mono[first:].copy()
    rise = min(round(_FADE_IN_S * sample_rate), len(sound))
    if first > 0:
        sound[:rise] *= np.linspace(0.0, 1.0, rise, endpoint=False)
    return Take(sound, onset - first)


def render(
    pattern: Pattern, kit: Mapping[str, Sequence[Take]], sample_rate: int, *, stereo: bool = False
) -> FloatArray:
    """The loop `(C, frames)` float32 on the 24-bit grid, with exactly `pattern.frames` samples.

    Takes of a drum alternate. One channel, or two with each drum at its place.
    """
    frames = pattern.frames(sample_rate)
    loop = np.zeros((2 if stereo else 1, frames))
    at = [pattern.frame(hit, sample_rate) for hit in pattern.hits]
    cuts = _cuts(pattern.hits, at, frames)
    played: dict[str, int] = {}
    for hit, frame, cut in zip(pattern.hits, at, cuts, strict=True):
        takes = kit[hit.role]
        take = takes[played.get(hit.role, 0) % len(takes)]
        played[hit.role] = played.get(hit.role, 0) + 1
        sound = _cut_off(take.sound, cut + take.onset, sample_rate)
        role = ROLES[hit.role]
        gain = gain_of(hit.velocity) * 10.0 ** (role.gain_db / 20.0)
        wrapped = _wrapped(sound, frame - take.onset, frames) * gain
        for channel, level in zip(loop, _levels(role.pan if stereo else None), strict=True):
            channel += wrapped * level
    peak = float(np.abs(loop).max(initial=0.0))
    if peak > 0.0:
        loop *= PEAK / peak
    return (np.rint(loop * _GRID) / _GRID).astype(np.float32)


def _cuts(hits: Sequence[Hit], at: Sequence[int], frames: int) -> list[int]:
    """For each hit, samples until another one silences it; going round the loop."""
    silencing: dict[str, list[int]] = {}
    for hit, frame in zip(hits, at, strict=True):
        for role in ROLES[hit.role].silences:
            silencing.setdefault(role, []).append(frame)
    cuts = []
    for hit, frame in zip(hits, at, strict=True):
        after = [(other - frame) % frames or frames for other in silencing.get(hit.role, ())]
        cuts.append(min(after, default=2**62))
    return cuts


def _cut_off(sound: Sound, after: int, sample_rate: int) -> Sound:
    """The sound, faded out in the 12 ms from sample `after` on."""
    if after >= len(sound):
        return sound
    fade = np.linspace(1.0, 0.0, round(_CUT_S * sample_rate))
    kept = sound[: after + len(fade)].copy()
    kept[after:] *= fade[: len(kept) - after]
    return kept


def _wrapped(sound: Sound, start: int, frames: int) -> Sound:
    """The sound laid round a loop of `frames` samples from `start` on, as often as it takes."""
    start %= frames
    turns = -(-(start + len(sound)) // frames)
    line = np.zeros(max(1, turns) * frames)
    line[start : start + len(sound)] = sound
    return np.asarray(line.reshape(-1, frames).sum(axis=0))


def _levels(pan: float | None) -> tuple[float, ...]:
    """Level of each channel: one for mono, two of equal power for a place -1 .. 1."""
    if pan is None:
        return (1.0,)
    angle = (pan + 1.0) * np.pi / 4.0
    return (float(np.sqrt(2.0) * np.cos(angle)), float(np.sqrt(2.0) * np.sin(angle)))
