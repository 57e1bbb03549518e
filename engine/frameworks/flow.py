"""Rectified flow matching: learn the velocity from sound to noise on straight lines.

| paper (Liu et al. 2022; Esser et al. 2024)  | here                                    |
|---------------------------------------------|-----------------------------------------|
| z_t = (1 - t) x_0 + t eps                   | add_noise; t = 1 is noise               |
| L = E || v_theta(z_t, t) - (eps - x_0) ||^2 | loss, averaged over frames with weights |
| t = sigmoid(N(m, s^2))                      | logit_normal_times                      |

Conditions are dropped at random, so that one network knows every subset of them, none included.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from engine.denoisers import flow_scaling
from engine.frameworks import Batch, Framework, Parts
from engine.frameworks.denoising import flow_way, in_sigma, sampling_of
from engine.frameworks.losses import (
    ConditionDropout,
    dropped_conditions,
    logit_normal_times,
    normal_like,
    spread,
    weighted_mean,
)
from engine.frameworks.sampling import Sampling
from engine.networks.interface import SEQUENCE
from engine.registry import Spec
from engine.schedules import flow_time_from_sigma, flow_times, sigma_from_flow_time

_ALMOST_NOISE = 0.999  # where ways on the sigma scale begin: at t = 1 sigma is infinite


@dataclass(frozen=True)
class Settings:
    """Settings of flow matching."""

    time_mean: float = 0.2  # of the normal under the sigmoid; above 0 = noisier times
    time_std: float = 1.0
    silence_weight: float = 0.4  # of frames after the end of a sound
    dropout: ConditionDropout = field(default_factory=ConditionDropout)


class Flow(Framework):
    """Flow matching of ``network(x_t, t, conditions) -> velocity``."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        super().__init__()
        self.settings = settings
        self.network = parts.network
        self.channels = parts.data.channels

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Weighted mean squared error of the velocity."""
        settings = self.settings
        conditions = dropped_conditions(batch, settings.dropout, generator)
        t = logit_normal_times(batch.x, settings.time_mean, settings.time_std, generator)
        eps = normal_like(batch.x, generator)
        x_t = batch.x + spread(t) * (eps - batch.x)
        velocity = self.network(x_t, t, conditions).float()
        error = (velocity - (eps - batch.x)).square()
        return {"total": weighted_mean(error, batch, settings.silence_weight).mean()}

    def sampling(self) -> Sampling:
        """Euler's and Heun's methods in flow time; others on the sigma scale from t = 0.999."""
        way = in_sigma(
            flow_scaling,
            lambda sigma: float(flow_time_from_sigma(sigma)),
            lambda sigma: 1.0 + sigma,
        )
        ways = {
            "euler": flow_way("euler", flow_times, 16),
            "heun": flow_way("heun", flow_times, 8),
            "dpmpp_2m": way("dpmpp_2m", _sigmas, 12),
            "ancestral": way("ancestral", _sigmas, 50),
        }
        return sampling_of(ways, self.channels, "velocity")


def _sigmas(steps: int) -> tuple[float, ...]:
    """Sigmas of even flow times."""
    times = flow_times(steps, start=_ALMOST_NOISE)
    return tuple(float(sigma) for sigma in sigma_from_flow_time(times))


def build(settings: Settings, parts: Parts) -> Flow:
    """Build the framework; any network with F(x, t, conditions) -> x's shape will do."""
    return Flow(settings, parts)


SPEC = Spec(
    "flow",
    Settings,
    build,
    frozenset({SEQUENCE}),
    noise_range=lambda _settings: (0.0, 1.0),
    paper="Liu et al. 2022 (arXiv 2209.03003), Esser et al. 2024 (arXiv 2403.03206)",
)
