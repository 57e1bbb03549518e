"""What the endless stream asks for next: six prompts on a circle, and a place among them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engine.types import FloatArray

PROMPTS: Final = 6
_NEAR: Final = 1e-3
"""Added to squared distances: within about 0.03 of a prompt it is alone."""
_ALONE: Final = 0.05
"""A second prompt with a smaller part in the mix is left out."""
_SEEDS: Final = 63
_BIAS: Final = 0.4
_MIX: Final = 0.15
_WANDERING: Final = ("brightness", "depth", "noisiness", "attack", "length")


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Everything that decides what is asked for.

    Attributes:
        words: of each prompt; "" is left out.
        weights: of each prompt, 0..1.
        x, y: place, -1..1 each; the prompts lie on the circle of radius 1.
        temperature: how far seeds and descriptors wander, 0..1; 0: the same sound again.
        density: sounds a second.
    """

    words: tuple[str, ...] = ("",) * PROMPTS
    weights: tuple[float, ...] = (1.0,) * PROMPTS
    x: float = 0.0
    y: float = 0.0
    temperature: float = 0.3
    density: float = 4.0


@dataclass(frozen=True, slots=True)
class Wish:
    """One sound to ask for.

    Attributes:
        prompt, morph, mix: as in `GenerateRequest`.
        seed: of its noise.
        biases: descriptor name -> offset.
        level: factor of its loudness, 0..1.
    """

    prompt: str = ""
    morph: str = ""
    mix: float = 0.0
    seed: int = 0
    biases: Mapping[str, float] = field(default_factory=dict)
    level: float = 1.0

    @property
    def key(self) -> tuple[object, ...]:
        """Wishes of one key are granted by one sound."""
        return (self.prompt, self.morph, self.mix, self.seed, tuple(self.biases.items()))

    def distance(self, other: Wish) -> float:
        """How different the words of two wishes are, 0..1."""
        one, two = self._parts(), other._parts()
        return 0.5 * sum(abs(one.get(w, 0.0) - two.get(w, 0.0)) for w in {*one, *two})

    def _parts(self) -> dict[str, float]:
        if not self.morph or self.morph == self.prompt:
            return {self.prompt: 1.0}
        return {self.prompt: 1.0 - self.mix, self.morph: self.mix}


def place(number: int) -> tuple[float, float]:
    """Where a prompt lies: number 0 at the top, the others clockwise."""
    angle = 2.0 * math.pi * number / PROMPTS
    return math.sin(angle), math.cos(angle)


def shares(settings: StreamSettings) -> FloatArray:
    """`(6,)`: part of each prompt at the place, their sum 1; all 0 when none has words."""
    parts = np.zeros(PROMPTS, dtype=np.float32)
    for number, (words, weight) in enumerate(zip(settings.words, settings.weights, strict=True)):
        if words and weight > 0.0:
            x, y = place(number)
            distance = (settings.x - x) ** 2 + (settings.y - y) ** 2
            parts[number] = weight / (distance + _NEAR)
    total = float(parts.sum())
    return parts / np.float32(total) if total > 0.0 else parts


def next_wish(settings: StreamSettings, rng: np.random.Generator) -> Wish:
    """The next sound: a prompt, or a morph of two, drawn by their parts."""
    heat = settings.temperature
    parts = shares(settings).astype(np.float64)
    order = _two(parts, heat, rng)
    prompt, morph, mix = "", "", 0.0
    if order:
        prompt = settings.words[order[0]]
    if len(order) > 1:
        first, second = parts[order[0]], parts[order[1]]
        mix = float(second / (first + second) + heat * _MIX * rng.standard_normal())
        mix = round(min(max(mix, 0.0), 1.0), 3)
        if mix > 1.0 - _ALONE:
            prompt, mix = settings.words[order[1]], 0.0
        elif mix < _ALONE:
            mix = 0.0
        else:
            morph = settings.words[order[1]]
    if heat == 0.0:
        return Wish(prompt, morph, mix)
    biases = {
        name: float(np.clip(round(heat * _BIAS * rng.standard_normal(), 3), -1.0, 1.0))
        for name in _WANDERING
    }
    seed = int(rng.integers(0, 2 + round(_SEEDS * heat)))
    return Wish(prompt, morph, mix, seed, biases, 1.0 - 0.4 * heat * float(rng.random()))


def _two(parts: np.ndarray, heat: float, rng: np.random.Generator) -> list[int]:
    """At most two prompts, the nearer first: the nearest, or with heat drawn by their parts."""
    known = np.flatnonzero(parts)
    if len(known) > 2 and heat > 0.0:
        drawn = rng.choice(PROMPTS, size=2, replace=False, p=parts / parts.sum())
    else:
        drawn = known[np.argsort(-parts[known], kind="stable")][:2]
    return sorted(map(int, drawn), key=lambda number: -parts[number])
