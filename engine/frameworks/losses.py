"""What the losses of noisy sounds share: withheld conditions, noise, and weights of frames.

All draws come from the given generator and are made on its device.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.denoisers import Parameterisation, raw_target
from engine.frameworks import Batch
from engine.networks.interface import Conditions


@dataclass(frozen=True)
class ConditionDropout:
    """How often a condition is withheld in training; probabilities in 0..1."""

    everything: float = 0.1  # no condition at all: what guidance steers away from
    category: float = 0.1
    all_descriptors: float = 0.3
    one_descriptor: float = 0.5


def dropped_conditions(
    batch: Batch, dropout: ConditionDropout, generator: torch.Generator
) -> Conditions:
    """The batch's conditions with some withheld; guidance 1."""
    rows, kinds = batch.descriptors.shape
    draws = uniform((rows, 3 + kinds), batch.x, generator)
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


def conditions_with_guidance(
    batch: Batch,
    dropout: ConditionDropout,
    scales: tuple[float, float],
    generator: torch.Generator,
) -> Conditions:
    """Dropped conditions, and a guidance scale between two drawn for each sound."""
    low, high = scales
    conditions = dropped_conditions(batch, dropout, generator)
    draws = uniform((batch.x.shape[0],), batch.x, generator)
    return conditions._replace(guidance=low + (high - low) * draws)


def without_conditions(conditions: Conditions) -> Conditions:
    """The same batch with every condition withheld but those along time."""
    return Conditions(
        category=torch.full_like(conditions.category, -1),
        descriptors=torch.full_like(conditions.descriptors, float("nan")),
        guidance=torch.ones_like(conditions.guidance),
        frames=conditions.frames,
    )


def uniform(shape: tuple[int, ...], x: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform numbers in [0, 1), moved to x's device."""
    return torch.rand(shape, generator=generator, device=generator.device).to(x.device)


def normal_rows(x: Tensor, generator: torch.Generator) -> Tensor:
    """One standard normal number for each row of x: (B,)."""
    return torch.randn(x.shape[0], generator=generator, device=generator.device).to(x.device)


def logit_normal_times(x: Tensor, mean: float, std: float, generator: torch.Generator) -> Tensor:
    """One time in (0, 1) for each row of x: (B,)."""
    return torch.sigmoid(mean + std * normal_rows(x, generator))


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


def raw_error(
    network: nn.Module,
    parameterisation: Parameterisation,
    batch: Batch,
    sigma: Tensor,
    noise_cond: Tensor,
    conditions: Conditions,
    generator: torch.Generator,
) -> Tensor:
    """F(inward x, noise_cond) minus what it should answer, for x = x_0 + sigma eps: (B, D, L).

    sigma and noise_cond are (B,); eps is drawn from the generator.
    """
    noise = normal_like(batch.x, generator)
    level = spread(sigma)
    scaling = parameterisation(level)
    noisy = (batch.x + level * noise) * scaling.inward
    answer: Tensor = network(noisy, noise_cond, conditions).float()
    return answer - raw_target(scaling, level, batch.x, noise)
