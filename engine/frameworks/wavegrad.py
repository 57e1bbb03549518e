"""WaveGrad: diffusion told a continuous noise level, so that any schedule may sample it.

| paper (Chen et al. 2021)                           | here                                       |
|----------------------------------------------------|--------------------------------------------|
| l_0 = 1, l_s = sqrt(alpha_bar_s) (section 3)       | levels                                     |
| sqrt(alpha_bar) ~ U(l_{s-1}, l_s), s ~ U{1 .. S}   | _levels: noise_cond, 1 clean and 0 noise   |
| L = E || eps - eps_theta(y, x, sqrt(alpha_bar)) ||_1 | loss                                     |
| alg. 2 with betas of one's own choice              | sampler "wavegrad"; engine.schedules.search|
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from engine.denoisers import eps_scaling
from engine.errors import RecipeError
from engine.frameworks import Batch, Framework, Parts
from engine.frameworks.denoising import in_sigma, only, sampling_of
from engine.frameworks.losses import (
    ConditionDropout,
    dropped_conditions,
    raw_error,
    uniform,
    weighted_mean,
)
from engine.frameworks.sampling import Sampling
from engine.networks.interface import SEQUENCE
from engine.registry import Spec
from engine.schedules import (
    WAVEGRAD_FAST_BETAS,
    alpha_bar,
    karras_sigmas,
    noise_level_from_sigma,
    respaced,
    vp_sigmas,
    wavegrad_betas,
)


@dataclass(frozen=True)
class Settings:
    """Settings of WaveGrad."""

    timesteps: int = 1000  # S of the training schedule, 1e-6 to 0.01
    betas: tuple[float, ...] = WAVEGRAD_FAST_BETAS  # that sampler "wavegrad" uses
    silence_weight: float = 0.4  # of frames after the end of a sound
    dropout: ConditionDropout = field(default_factory=ConditionDropout)


class WaveGrad(Framework):
    """Trains ``network(y, noise level, conditions) -> eps``."""

    levels: Tensor  # (S + 1,) float64, falling from 1

    def __init__(self, settings: Settings, parts: Parts) -> None:
        super().__init__()
        if settings.timesteps < 2:
            raise RecipeError(
                f"framework wavegrad: timesteps is {settings.timesteps}; expected 2 or more"
            )
        try:
            self.fast = vp_sigmas(settings.betas)
        except ValueError as error:
            raise RecipeError(f"framework wavegrad: {error}") from error
        self.settings = settings
        self.network = parts.network
        self.channels = parts.data.channels
        self.betas = wavegrad_betas(settings.timesteps)
        levels = np.concatenate([[1.0], np.sqrt(alpha_bar(self.betas))])
        self.register_buffer("levels", torch.from_numpy(levels), persistent=False)

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Weighted mean absolute error of the noise, at one noise level a sound."""
        settings = self.settings
        conditions = dropped_conditions(batch, settings.dropout, generator)
        level = self._levels(batch.x, generator)
        # in float64 until here: near 1 few digits tell a level from no noise at all
        sigma = torch.sqrt(1.0 / level.square() - 1.0).clamp(min=1e-5).float()
        error = raw_error(
            self.network, eps_scaling, batch, sigma, level.float(), conditions, generator
        )
        return {"total": weighted_mean(error.abs(), batch, settings.silence_weight).mean()}

    def sampling(self) -> Sampling:
        """The short schedule, the training's own or a subset of it, and solvers between."""
        betas, trained = self.betas, self.settings.timesteps
        noisiest, *_, cleanest, _ = vp_sigmas(betas)

        def subset(steps: int) -> tuple[float, ...]:
            return vp_sigmas(betas, respaced(steps, trained))

        def between(steps: int) -> tuple[float, ...]:
            return karras_sigmas(steps, cleanest, noisiest)

        way = in_sigma(
            eps_scaling,
            lambda sigma: float(noise_level_from_sigma(sigma)),
            # the paper begins with y_N ~ N(0, 1) on the variance-preserving scale
            lambda sigma: (1.0 + sigma * sigma) ** 0.5,
        )
        ways = {
            "wavegrad": way("ancestral", only(self.fast), len(self.fast) - 1),
            "ancestral": way("ancestral", subset, trained),
            "ddim": way("ddim", subset, min(50, trained)),
            "dpmpp_2m": way("dpmpp_2m", between, 20),
            "heun": way("heun", between, 18),
        }
        return sampling_of(ways, self.channels, "eps")

    def _levels(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """One noise level for each row of x: (B,) float64."""
        step = torch.randint(
            self.settings.timesteps, x.shape[:1], generator=generator, device=generator.device
        ).to(x.device)
        share = uniform((x.shape[0],), x, generator).double()
        return torch.lerp(self.levels[step], self.levels[step + 1], share)


def build(settings: Settings, parts: Parts) -> WaveGrad:
    """Build the framework; RecipeError for a schedule that is none."""
    return WaveGrad(settings, parts)


SPEC = Spec(
    "wavegrad",
    Settings,
    build,
    frozenset({SEQUENCE}),
    noise_range=lambda _settings: (0.0, 1.0),
    paper="Chen et al. 2021 (arXiv 2009.00713)",
)
