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

from engine.frameworks import Batch, Framework, Parts
from engine.networks.interface import SEQUENCE, Conditions
from engine.registry import Spec


@dataclass(frozen=True)
class ConditionDropout:
    """How often a condition is withheld in training; probabilities in 0..1."""

    everything: float = 0.1  # no condition at all: what guidance steers away from
    category: float = 0.1
    all_descriptors: float = 0.3
    one_descriptor: float = 0.5


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


def dropped_conditions(
    batch: Batch, dropout: ConditionDropout, generator: torch.Generator
) -> Conditions:
    """The batch's conditions with some withheld; guidance 1."""
    rows, kinds = batch.descriptors.shape
    draws = torch.rand((rows, 3 + kinds), generator=generator).to(batch.x.device)
    nothing = draws[:, 0] < dropout.everything
    no_category = nothing | (draws[:, 1] < dropout.category)
    no_descriptors = nothing | (draws[:, 2] < dropout.all_descriptors)
    absent = no_descriptors.unsqueeze(1) | (draws[:, 3:] < dropout.one_descriptor)
    return Conditions(
        category=batch.category.masked_fill(no_category, -1),
        descriptors=batch.descriptors.masked_fill(absent, float("nan")),
        guidance=torch.ones(rows, device=batch.x.device),
        frames=batch.frames,
    )


def without_conditions(conditions: Conditions) -> Conditions:
    """The same batch with every condition withheld but those along time."""
    return Conditions(
        category=torch.full_like(conditions.category, -1),
        descriptors=torch.full_like(conditions.descriptors, float("nan")),
        guidance=torch.ones_like(conditions.guidance),
        frames=conditions.frames,
    )


def logit_normal_times(x: Tensor, mean: float, std: float, generator: torch.Generator) -> Tensor:
    """One time in (0, 1) for each row of x: (B,)."""
    draws = torch.randn(x.shape[0], generator=generator).to(x.device)
    return torch.sigmoid(mean + std * draws)


def normal_like(x: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise of x's shape, drawn on the generator's device."""
    return torch.randn(x.shape, generator=generator, device=generator.device).to(x.device)


def spread(t: Tensor) -> Tensor:
    """(B,) -> (B, 1, 1), to multiply latents."""
    return t[:, None, None]


def weighted_mean(error: Tensor, batch: Batch, silence_weight: float) -> Tensor:
    """Mean of (B, D, L) over dimensions and frames: (B,). Frames of silence weigh less."""
    frames = torch.arange(error.shape[2], device=error.device)
    sounding = frames[None, :] < batch.lengths[:, None]
    weights = torch.where(sounding, 1.0, silence_weight)
    return (error.mean(dim=1) * weights).sum(dim=1) / weights.sum(dim=1)


def build(settings: Settings, parts: Parts) -> Flow:
    """Build the framework; any network with F(x, t, conditions) -> x's shape will do."""
    return Flow(settings, parts)


SPEC = Spec("flow", Settings, build, frozenset({SEQUENCE}))
