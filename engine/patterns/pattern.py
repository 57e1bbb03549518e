"""A drum pattern: which drum is hit when and how hard, over a whole number of bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.errors import BadRange
from engine.patterns.roles import ROLES

BPM = (20.0, 400.0)
BARS = (1, 64)
BEATS = (1, 16)
MOST_HITS = 4_096
MOST_SECONDS = 120.0

_JITTER_S = 0.007
_MOST_JITTER_S = 0.02
_JITTER_VELOCITY = 0.12
_STREAM = 0x67726F6F  # keeps the drummer's noise apart from the sounds' noise


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit: `role` of ROLES, `beat` from the start of the pattern, `velocity` 0..1."""

    role: str
    beat: float
    velocity: float


@dataclass(frozen=True, slots=True)
class Pattern:
    """Hits in order of time. `beats` are those of one bar, `bpm` counts the same beats."""

    name: str
    bars: int
    beats: int
    bpm: float
    hits: tuple[Hit, ...]

    def __post_init__(self) -> None:
        """Raises BadRange for what cannot be played."""
        check_range("bars", self.bars, *BARS)
        check_range("beats of a bar", self.beats, *BEATS)
        check_range("bpm", self.bpm, *BPM)
        if self.seconds > MOST_SECONDS:
            raise BadRange(
                f"{self.bars} bars at {self.bpm:g} bpm last {self.seconds:.0f} s: "
                f"expected at most {MOST_SECONDS:g} s; ask for fewer bars"
            )
        if len(self.hits) > MOST_HITS:
            raise BadRange(f"{len(self.hits)} hits: expected at most {MOST_HITS}")
        for hit in self.hits:
            if hit.role not in ROLES:
                raise BadRange(f"drum {hit.role!r}: expected one of {', '.join(ROLES)}")

    @property
    def length_beats(self) -> int:
        """Beats of the whole loop."""
        return self.bars * self.beats

    @property
    def seconds(self) -> float:
        """Length of the loop."""
        return self.length_beats * 60.0 / self.bpm

    @property
    def roles(self) -> tuple[str, ...]:
        """The drums that are hit, in the order of ROLES."""
        hit = {hit.role for hit in self.hits}
        return tuple(role for role in ROLES if role in hit)

    def frames(self, sample_rate: int) -> int:
        """Length of the loop in samples, to the nearest one."""
        return round(self.length_beats * 60.0 / self.bpm * sample_rate)

    def frame(self, hit: Hit, sample_rate: int) -> int:
        """Sample within the loop at which a hit falls; one before its start is at its end."""
        return round(hit.beat * 60.0 / self.bpm * sample_rate) % self.frames(sample_rate)


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raises BadRange for a number outside low..high, and for one that is not finite."""
    if not (math.isfinite(value) and low <= value <= high):
        raise BadRange(f"{name} {value:g}: expected {low:g} to {high:g}")


def ordered(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """Hits by time, then by drum; of two at one place the harder stays."""
    order = {role: place for place, role in enumerate(ROLES)}
    strongest: dict[tuple[float, str], Hit] = {}
    for hit in hits:
        key = (round(hit.beat, 9), hit.role)
        if key not in strongest or strongest[key].velocity < hit.velocity:
            strongest[key] = hit
    return tuple(sorted(strongest.values(), key=lambda hit: (hit.beat, order.get(hit.role, 99))))


def humanised(pattern: Pattern, amount: float, seed: int) -> Pattern:
    """The pattern as a person plays it: 0 leaves it, 1 is late by 7 ms and uneven by 12 %.

    The same seed gives the same performance.
    """
    check_range("humanise", amount, 0.0, 1.0)
    if amount == 0.0:
        return pattern
    noise = np.random.Generator(np.random.Philox(key=[seed, _STREAM]))
    late_s, louder = noise.standard_normal((2, len(pattern.hits)))
    most = _MOST_JITTER_S * amount
    late = np.clip(late_s * _JITTER_S * amount, -most, most) * pattern.bpm / 60.0
    hits = [
        Hit(
            hit.role,
            (hit.beat + float(late[k])) % pattern.length_beats,
            float(np.clip(hit.velocity * (1.0 + _JITTER_VELOCITY * amount * louder[k]), 0.02, 1.0)),
        )
        for k, hit in enumerate(pattern.hits)
    ]
    return replace(pattern, hits=ordered(hits))


def pattern_fields(pattern: Pattern) -> dict[str, object]:
    """The pattern as plain values, for a record."""
    return {
        "name": pattern.name,
        "bars": pattern.bars,
        "beats": pattern.beats,
        "bpm": pattern.bpm,
        "hits": [[hit.role, hit.beat, hit.velocity] for hit in pattern.hits],
    }


def pattern_of(fields: Mapping[str, Any]) -> Pattern:
    """The pattern in a record; raises BadRange when it is not one."""
    try:
        hits = tuple(Hit(str(r), float(b), float(v)) for r, b, v in fields["hits"])
        return Pattern(
            str(fields["name"]),
            int(fields["bars"]),
            int(fields["beats"]),
            float(fields["bpm"]),
            hits,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadRange(
            f"no pattern in this record ({error}): expected one of a drum loop"
        ) from None
