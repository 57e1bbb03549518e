"""The validated requests of the denoiser's OSC methods; see `bridge.denoise_space`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DenoiseCommand:
    """`/drift/denoise`: `clip` without its noise, as a new clip.

    Attributes:
        job: as sent; -1 lets the server choose.
        amount: dB by which noise is brought down at most.
        learn_start, learn_end: seconds of a passage of noise alone; an end of 0 = none.
        delta: the new clip is what is removed.
        quality: live or best.
    """

    job: int
    clip: str
    amount: float
    learn_start: float
    learn_end: float
    delta: bool
    quality: str
