"""Denoising diffusion with T discrete steps, the network told the timestep: DDPM and DiffWave.

| paper (Ho et al. 2020; Kong et al. 2021)         | here                                        |
|--------------------------------------------------|---------------------------------------------|
| t = 1 .. T                                       | timestep i = t - 1, which is noise_cond     |
| sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps    | inward x: what the network sees             |
| L_simple: || eps - eps_theta(x_t, t) ||^2        | objective "eps", weighting "objective"      |
| v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x_0| objective "v" (Salimans & Ho 2022)          |
| w = min(SNR, 5) on the error of x_0              | weighting "min_snr" (Hang et al. 2023)      |

DDPM and DiffWave have objective "eps". Where next to nothing of x_0 is left, as at the end of the
cosine schedule, an error of eps is that error times sigma in x_0, so that "v" is safer there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from engine.denoisers import PARAMETERISATIONS
from engine.errors import RecipeError
from engine.frameworks import Batch, Framework, Parts
from engine.frameworks.denoising import in_sigma, only, sampling_of
from engine.frameworks.losses import ConditionDropout, dropped_conditions, raw_error, weighted_mean
from engine.frameworks.sampling import Sampling
from engine.networks.interface import SEQUENCE
from engine.registry import Spec, did_you_mean
from engine.schedules import (
    BETAS,
    DIFFWAVE_FAST_BETAS,
    aligned_timesteps,
    karras_sigmas,
    noise_level_from_sigma,
    respaced,
    vp_sigmas,
)

WEIGHTINGS = ("objective", "snr", "min_snr")
_MANY_TIMESTEPS = 100
_MOST_SIGMA = 160.0  # solvers begin here at most, about where DDPM's linear schedule ends


@dataclass(frozen=True)
class Settings:
    """Settings of denoising diffusion."""

    objective: str = "v"  # eps | v | x0: what the network answers
    schedule: str = "cosine"  # linear | cosine | diffwave | wavegrad
    timesteps: int = 1000  # T; DiffWave: 50 with schedule "diffwave"
    # objective: the plain error of what the network answers; snr: of eps, whatever it answers;
    # min_snr: of x_0, by min(SNR, most_snr)
    weighting: str = "objective"
    most_snr: float = 5.0
    silence_weight: float = 0.4  # of frames after the end of a sound
    dropout: ConditionDropout = field(default_factory=ConditionDropout)


class Ddpm(Framework):
    """Trains ``network(x_t, timestep, conditions) -> eps, v or x_0``."""

    sigmas: Tensor  # (T,) float32, rising with the timestep

    def __init__(self, settings: Settings, parts: Parts) -> None:
        super().__init__()
        for key, known in (
            ("objective", tuple(PARAMETERISATIONS)), ("schedule", tuple(BETAS)),
            ("weighting", WEIGHTINGS),
        ):  # fmt: skip
            value = getattr(settings, key)
            if value not in known:
                raise RecipeError(
                    f"framework ddpm: {key} is {value!r}; expected one of: {', '.join(known)}"
                    + did_you_mean(value, known)
                )
        if settings.timesteps < 2:
            raise RecipeError(
                f"framework ddpm: timesteps is {settings.timesteps}; expected 2 or more"
            )
        self.settings = settings
        self.network = parts.network
        self.channels = parts.data.channels
        self.parameterisation = PARAMETERISATIONS[settings.objective]
        self.betas = BETAS[settings.schedule](settings.timesteps)
        rising = torch.tensor(vp_sigmas(self.betas)[-2::-1], dtype=torch.float32)
        self.register_buffer("sigmas", rising, persistent=False)

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Weighted mean squared error of what the network answers, at one timestep a sound."""
        settings = self.settings
        conditions = dropped_conditions(batch, settings.dropout, generator)
        timestep = torch.randint(
            settings.timesteps, batch.x.shape[:1], generator=generator, device=generator.device
        ).to(batch.x.device)
        sigma = self.sigmas[timestep]
        error = raw_error(
            self.network, self.parameterisation, batch, sigma, timestep.float(), conditions,
            generator,
        )  # fmt: skip
        squares = weighted_mean(error.square(), batch, settings.silence_weight)
        return {"total": (self._weights(sigma) * squares).mean(), "squares": squares.mean()}

    def sampling(self) -> Sampling:
        """DDPM in all its steps or fewer, DDIM, solvers between the trained noise levels."""
        betas, trained = self.betas, self.settings.timesteps
        noisiest, *_, cleanest, _ = vp_sigmas(betas)

        def subset(steps: int) -> tuple[float, ...]:
            return vp_sigmas(betas, respaced(steps, trained))

        def between(steps: int) -> tuple[float, ...]:
            return karras_sigmas(steps, cleanest, min(noisiest, _MOST_SIGMA))

        way = in_sigma(
            self.parameterisation,
            lambda sigma: float(aligned_timesteps(noise_level_from_sigma(sigma), betas)),
            # the papers begin with x_T ~ N(0, 1) on the variance-preserving scale
            lambda sigma: (1.0 + sigma * sigma) ** 0.5,
        )
        first = {
            "ancestral": way("ancestral", subset, trained),
            "ddim": way("ddim", subset, min(50, trained)),
        }
        if trained > _MANY_TIMESTEPS:  # nobody waits for all of them unasked
            first = dict(reversed(first.items()))
        ways = {
            **first,
            "dpmpp_2m": way("dpmpp_2m", between, 20),
            "heun": way("heun", between, 18),
            "edm": way("edm", between, 50),
            "euler": way("euler", between, 50),
        }
        if self.settings.schedule == "diffwave":
            fast = only(vp_sigmas(DIFFWAVE_FAST_BETAS))
            ways["diffwave_fast"] = way("ancestral", fast, len(DIFFWAVE_FAST_BETAS))
        return sampling_of(ways, self.channels, self.settings.objective)

    def _weights(self, sigma: Tensor) -> Tensor:
        """What the squared error of the network's answer is multiplied by: (B,)."""
        if self.settings.weighting == "objective":
            return torch.ones_like(sigma)
        of_x0 = sigma**-2
        if self.settings.weighting == "min_snr":
            of_x0 = of_x0.clamp(max=self.settings.most_snr)
        # the error of x_0 is `out` times that of the answer
        weights: Tensor = of_x0 * self.parameterisation(sigma).out ** 2
        return weights


def build(settings: Settings, parts: Parts) -> Ddpm:
    """Build the framework; RecipeError names a setting that is none of the known ones."""
    return Ddpm(settings, parts)


SPEC = Spec(
    "ddpm",
    Settings,
    build,
    frozenset({SEQUENCE}),
    noise_range=lambda settings: (0.0, float(settings.timesteps)),
    paper="Ho et al. 2020 (arXiv 2006.11239), Kong et al. 2021 (arXiv 2009.09761)",
)
