"""Samplers: flat functions with one signature, pure arithmetic on NumPy arrays or torch tensors.

    sampler(denoise, x, times, noise, on_step) -> the clean latent

denoise: D(x, t). x: (B, D, L), already at times[0]. times: descending, ends in 0.
noise(k): the k-th fresh normal draw of x's shape, k >= 1 (draw 0 made the first x).
on_step(done, steps): called after every step; an exception it raises ends the run (cancelling).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from engine.denoisers import ArrayT, Denoiser
from engine.samplers.consistency import consistency
from engine.samplers.noise import philox_noise
from engine.samplers.ode import euler, heun

__all__ = ["SAMPLERS", "Sampler", "consistency", "euler", "heun", "philox_noise"]


class Sampler(Protocol):
    """The one signature of every sampler; see the module's docstring."""

    def __call__(
        self,
        denoise: Denoiser[ArrayT],
        x: ArrayT,
        times: Sequence[float],
        noise: Callable[[int], ArrayT],
        on_step: Callable[[int, int], None],
        /,
    ) -> ArrayT: ...


SAMPLERS: dict[str, Sampler] = {"consistency": consistency, "euler": euler, "heun": heun}
