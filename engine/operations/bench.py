"""What an operation works with: a voice's codec and sampler, for one variation of one request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from engine.types import FloatArray, GenerateRequest
from engine.voice import Voice

__all__ = ["LEAST_STRENGTH", "Bench", "Draw", "Made"]

LEAST_STRENGTH = 0.02
"""Below this nothing is made anew: no step is worth taking."""


@dataclass(frozen=True)
class Draw:
    """One run of the sampler.

    frames: latent frames L. clean: what to start from (1, D, L), None = pure noise. start: noise
    time 0..1 to start at; 1 forgets `clean`, except where it is kept. keep: (1, 1, L), 1 where
    `clean` stays and 0 where the voice decides. stream: number of this run among those of one
    variation, so that each has noise of its own. noise: draw k -> (1, D, L) in place of the seed's.
    """

    frames: int
    clean: FloatArray | None = None
    start: float = 1.0
    keep: FloatArray | None = None
    stream: int = 0
    noise: Callable[[int], FloatArray] | None = None


@dataclass(frozen=True)
class Made:
    """A finished sound (C, T) on the 24-bit grid and its sample rate in hertz."""

    audio: FloatArray
    sample_rate: int


class Bench(Protocol):
    """A loaded voice at work on variation `index` of `request`."""

    @property
    def voice(self) -> Voice: ...
    @property
    def request(self) -> GenerateRequest: ...
    @property
    def index(self) -> int: ...

    def noise(self, index: int, draw: int, frames: int) -> FloatArray:
        """Normal noise (1, D, L) of the request's seed."""
        ...

    def encode(self, mono: FloatArray, frames: int) -> FloatArray:
        """(T,) at the voice's rate, cut or followed by silence -> latents (1, D, frames)."""
        ...

    def decode(self, latent: FloatArray) -> FloatArray:
        """Latents (1, D, L) -> (L * hop_frames,) at the voice's rate."""
        ...

    def expect(self, runs: int) -> None:
        """Say how many runs of the sampler there will be, for the progress."""
        ...

    def sample(self, draw: Draw) -> FloatArray:
        """Run the sampler: latents (1, D, L). Raises Cancelled."""
        ...

    def told(self, descriptors: Mapping[str, float]) -> Bench:
        """The same, with these descriptors where the request itself gives none."""
        ...

    def says(self, descriptor: str) -> bool:
        """Whether the request asks anything of a descriptor."""
        ...
