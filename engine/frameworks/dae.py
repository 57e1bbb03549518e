"""Denoising autoencoder: from a noisy sound to the clean one, however noisy it may be.

| paper                                                    | here                             |
|----------------------------------------------------------|----------------------------------|
| x~ = x + sigma eps, || f(x~) - x ||^2, Vincent et al. 2008 | loss, sigma of a random SNR     |
| walkback: denoise, corrupt, repeat, Bengio et al. 2013   | sampler "walkback"               |
| a denoiser that does not know sigma, Kadkhodaie & Simoncelli 2021 | the other samplers      |

The network is never told how noisy its input is: noise_cond is zero. It hears it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import torch
from torch import Tensor

from engine.denoisers import plain_scaling, residual_scaling
from engine.errors import RecipeError
from engine.frameworks import Batch, Framework, Parts
from engine.frameworks.denoising import in_sigma, sampling_of
from engine.frameworks.losses import (
    ConditionDropout,
    dropped_conditions,
    raw_error,
    spread,
    uniform,
    weighted_mean,
)
from engine.frameworks.sampling import Sampling
from engine.networks.interface import SEQUENCE, no_conditions
from engine.registry import Spec
from engine.schedules import geometric_sigmas

_QUIET = 1e-4  # no sound counts as quieter, where noise is relative


@dataclass(frozen=True)
class Settings:
    """Settings of the denoising autoencoder."""

    snr_low_db: float = -20.0
    snr_high_db: float = 40.0
    data_std: float = 1.0  # of x, to which the SNR refers: 1 for latents
    # the SNR refers to each sound's own level, the error to its noise, and the network sees noisy
    # sounds brought to data_std
    relative: bool = False
    residual: bool = False  # the network answers what to add to x instead of the clean sound
    silence_weight: float = 0.4  # of frames after the end of a sound
    dropout: ConditionDropout = field(default_factory=ConditionDropout)


class Dae(Framework):
    """Trains ``network(x_0 + sigma eps, 0, conditions) -> x_0``."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        super().__init__()
        if not settings.snr_low_db < settings.snr_high_db:
            raise RecipeError(
                f"framework dae: snr_low_db is {settings.snr_low_db}; expected less than "
                f"snr_high_db, {settings.snr_high_db}"
            )
        self.settings = settings
        self.network = parts.network
        self.channels, self.descriptors = parts.data.channels, len(parts.data.descriptors)
        self.parameterisation = residual_scaling if settings.residual else plain_scaling

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Weighted mean squared error of the clean sound, at one SNR a sound."""
        settings = self.settings
        conditions = dropped_conditions(batch, settings.dropout, generator)
        share = uniform((batch.x.shape[0],), batch.x, generator)
        snr_db = settings.snr_low_db + (settings.snr_high_db - settings.snr_low_db) * share
        sigma = settings.data_std * 10.0 ** (-snr_db / 20.0)
        if settings.relative:
            ratio = 10.0 ** (-snr_db / 20.0)
            scale = settings.data_std / (_level(batch.x) * torch.sqrt(1.0 + ratio.square()))
            batch = dataclasses.replace(batch, x=batch.x * spread(scale))
            sigma = ratio * _level(batch.x)
        error = raw_error(
            self.network, self.parameterisation, batch, sigma, torch.zeros_like(sigma),
            conditions, generator,
        )  # fmt: skip
        squares = weighted_mean(error.square(), batch, settings.silence_weight)
        if settings.relative:
            squares = squares / sigma.square()
        return {"total": squares.mean()}

    @torch.no_grad()
    def denoised(self, noisy: Tensor) -> Tensor:
        """The clean sounds that the network hears in noisy ones, both (B, C, L); unconditional."""
        told = no_conditions(noisy, self.descriptors)
        scaling = self.parameterisation(0.0)
        back = spread(_level(noisy) / self.settings.data_std)
        if self.settings.relative:
            noisy = noisy / back
        answer: Tensor = self.network(noisy, noisy.new_zeros(noisy.shape[0]), told).float()
        denoised: Tensor = scaling.skip * noisy + scaling.out * answer
        return denoised * back if self.settings.relative else denoised

    def sampling(self) -> Sampling:
        """From the noisiest to the cleanest trained SNR in even steps of decibels."""
        settings = self.settings
        low, high = (
            settings.data_std * 10.0 ** (-db / 20.0)
            for db in (settings.snr_high_db, settings.snr_low_db)
        )

        def sigmas(steps: int) -> tuple[float, ...]:
            return geometric_sigmas(steps, low, high)

        way = in_sigma(self.parameterisation, lambda _sigma: 0.0, lambda sigma: sigma)
        usual = {"ancestral": 50, "walkback": 20, "ddim": 50, "one_step": 1}
        ways = {name: way(name, sigmas, steps) for name, steps in usual.items()}
        return sampling_of(ways, self.channels, "sound")


def _level(x: Tensor) -> Tensor:
    """Root mean square of each row of (B, C, L): (B,)."""
    return x.square().mean(dim=(1, 2)).sqrt().clamp(min=_QUIET)


def build(settings: Settings, parts: Parts) -> Dae:
    """Build the framework; RecipeError when the range of SNRs is empty."""
    return Dae(settings, parts)


SPEC = Spec(
    "dae",
    Settings,
    build,
    frozenset({SEQUENCE}),
    paper="Vincent et al. 2008, Bengio et al. 2013 (arXiv 1305.6663)",
)
