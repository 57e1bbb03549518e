"""Samplers: flat functions with one signature, pure arithmetic on NumPy arrays or torch tensors.

    sampler(denoise, x, times, noise, on_step) -> the clean latent

denoise: D(x, time). x: (B, D, L), already at times[0]. times: descending, ends in 0.
noise(k): the k-th fresh normal draw of x's shape, k >= 1 (draw 0 made the first x).
on_step(done, steps): called after every step; an exception it raises ends the run (cancelling).

Times are sigmas, x = x_0 + sigma eps, or flow times, x = (1 - t) x_0 + t eps (engine.schedules
says how they convert). On both scales the noise-free path is dx/dtime = (x - D) / time, so Euler's
and Heun's methods serve both; samplers that add noise know their scale.

| table           | times      | samplers                                                     |
|-----------------|------------|--------------------------------------------------------------|
| SAMPLERS        | flow times | euler, heun, consistency; what a voice may name              |
| SIGMA_SAMPLERS  | sigmas     | ancestral, ddim, dpmpp_2m, edm, euler, heun, one_step, walkback |

DDPM is `ancestral` over all of its training's sigmas, respaced DDPM over a subset; DiffWave's fast
sampling and WaveGrad's are `ancestral` over the sigmas of their short schedules, the network's
timestep or noise level following from each sigma.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from engine.denoisers import ArrayT, Denoiser
from engine.samplers.consistency import consistency, one_step, walkback
from engine.samplers.ddpm import ancestral, ddim
from engine.samplers.edm import edm
from engine.samplers.multistep import dpmpp_2m
from engine.samplers.noise import philox_noise
from engine.samplers.ode import euler, heun

__all__ = [
    "SAMPLERS",
    "SIGMA_SAMPLERS",
    "Sampler",
    "ancestral",
    "consistency",
    "ddim",
    "dpmpp_2m",
    "edm",
    "euler",
    "heun",
    "one_step",
    "philox_noise",
    "walkback",
]


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

SIGMA_SAMPLERS: dict[str, Sampler] = {
    "ancestral": ancestral,
    "ddim": ddim,
    "dpmpp_2m": dpmpp_2m,
    "edm": edm,
    "euler": euler,
    "heun": heun,
    "one_step": one_step,
    "walkback": walkback,
}
