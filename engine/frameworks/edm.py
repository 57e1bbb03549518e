"""EDM: diffusion on the sigma scale with a preconditioned network (Karras et al. 2022).

| paper                                           | here                                       |
|-------------------------------------------------|--------------------------------------------|
| D = c_skip x + c_out F(c_in x; c_noise), eq. 7  | edm_scaling: skip, out, inward             |
| c_noise = log(sigma) / 4                        | noise_cond                                 |
| log sigma ~ N(P_mean, P_std^2)                  | log_sigma_mean, log_sigma_std              |
| lambda c_out^2 = 1 (section 5)                  | plain mean squared error of F              |
| sigma_data, sigma_min, sigma_max, rho           | data_std, sigma_low, sigma_high, 7         |
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from engine.denoisers import edm_scaling
from engine.frameworks import Batch, Framework, Parts
from engine.frameworks.denoising import in_sigma, sampling_of
from engine.frameworks.losses import (
    ConditionDropout,
    dropped_conditions,
    normal_rows,
    raw_error,
    weighted_mean,
)
from engine.frameworks.sampling import Sampling
from engine.networks.interface import SEQUENCE
from engine.registry import Spec
from engine.schedules import karras_sigmas


@dataclass(frozen=True)
class Settings:
    """Settings of EDM; the paper's for images are -1.2, 1.2 and 0.5."""

    log_sigma_mean: float = -0.8
    log_sigma_std: float = 1.4
    data_std: float = 1.0  # of x: 1 for latents
    sigma_low: float = 0.002
    sigma_high: float = 80.0
    silence_weight: float = 0.4  # of frames after the end of a sound
    dropout: ConditionDropout = field(default_factory=ConditionDropout)


class Edm(Framework):
    """Trains ``network(inward x, log(sigma) / 4, conditions)``."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        super().__init__()
        self.settings = settings
        self.network = parts.network
        self.channels = parts.data.channels
        self.parameterisation = partial(edm_scaling, data_std=settings.data_std)

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Weighted mean squared error of the network's answer, at one sigma a sound."""
        settings = self.settings
        conditions = dropped_conditions(batch, settings.dropout, generator)
        normal = normal_rows(batch.x, generator)
        log_sigma = settings.log_sigma_mean + settings.log_sigma_std * normal
        error = raw_error(
            self.network, self.parameterisation, batch, log_sigma.exp(), log_sigma / 4.0,
            conditions, generator,
        )  # fmt: skip
        return {"total": weighted_mean(error.square(), batch, settings.silence_weight).mean()}

    def sampling(self) -> Sampling:
        """Heun's method, with churn ("edm") or without, and others on the same sigmas."""
        settings = self.settings

        def sigmas(steps: int) -> tuple[float, ...]:
            return karras_sigmas(steps, settings.sigma_low, settings.sigma_high)

        way = in_sigma(
            self.parameterisation, lambda sigma: math.log(sigma) / 4.0, lambda sigma: sigma
        )
        usual = {"heun": 18, "edm": 50, "dpmpp_2m": 20, "euler": 50, "ddim": 50, "ancestral": 100}
        ways = {name: way(name, sigmas, steps) for name, steps in usual.items()}
        return sampling_of(ways, self.channels, "EDM's mixture")


def _noise_range(settings: Settings) -> tuple[float, float]:
    """log(sigma) / 4 of all sigmas that are sampled."""
    return math.log(settings.sigma_low) / 4.0, math.log(settings.sigma_high) / 4.0


def build(settings: Settings, parts: Parts) -> Edm:
    """Build the framework."""
    return Edm(settings, parts)


SPEC = Spec(
    "edm",
    Settings,
    build,
    frozenset({SEQUENCE}),
    noise_range=_noise_range,
    paper="Karras et al. 2022 (arXiv 2206.00364)",
)
