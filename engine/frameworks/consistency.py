"""Consistency distillation: tune a flow-matched network until one jump equals many small steps.

| paper                                                    | here                              |
|----------------------------------------------------------|-----------------------------------|
| f(x_t, t), Song et al. 2023                              | D(x, t) = x - t v                 |
| solver step of the teacher with guidance w, Luo 2023     | _guided_step, Euler from t to s   |
| r = t (1 - 1 / 2^k), k grows: Geng et al. 2024 (ECT)     | s = t (1 - gap), gap shrinks      |
| d(f(x_t, t), stopgrad f(x_s, s)), pseudo-Huber           | distance / t: measured as velocity|

The guidance scale is an input of the student, drawn anew for each sound, so that guidance costs
nothing later. With gap = 1 the student only learns the teacher's guided answer; smaller gaps then
bind neighbouring times together, with the student's own answer at s as the target at t.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from engine.denoisers import denoised_from_velocity
from engine.frameworks import Batch, Framework, Parts
from engine.frameworks.flow import (
    ConditionDropout,
    dropped_conditions,
    logit_normal_times,
    normal_like,
    spread,
    weighted_mean,
    without_conditions,
)
from engine.networks.interface import SEQUENCE, Conditions, joined
from engine.registry import Spec


@dataclass(frozen=True)
class Settings:
    """Settings of consistency distillation."""

    time_mean: float = 0.8
    time_std: float = 1.6
    first_gap: float = 1.0  # share of t that a teacher step covers at the beginning
    last_gap: float = 0.1  # and at the end; in between it shrinks by equal factors
    gap_until: float = 0.7  # share of the run after which the gap stays
    whole_noise: float = 0.15  # share of sounds that begin at t = 1 exactly
    guidance_low: float = 1.0
    guidance_high: float = 4.0
    softening: float = 0.1  # c of the pseudo-Huber distance, in units of velocity
    silence_weight: float = 0.4
    dropout: ConditionDropout = field(default_factory=lambda: ConditionDropout(everything=0.05))


class Consistency(Framework):
    """Distils a frozen copy of the starting network into ``self.network``."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        super().__init__()
        self.settings = settings
        self.network = parts.network
        self.teacher: nn.Module = copy.deepcopy(parts.network)
        self.teacher.requires_grad_(False)
        self.steps = parts.steps

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Pseudo-Huber distance between the student's answers at t and at s < t."""
        settings = self.settings
        conditions = dropped_conditions(batch, settings.dropout, generator)
        conditions = conditions._replace(guidance=self._guidance(batch.x, generator))
        t = logit_normal_times(batch.x, settings.time_mean, settings.time_std, generator)
        whole = torch.rand(t.shape, generator=generator).to(t.device) < settings.whole_noise
        t = torch.where(whole, torch.ones_like(t), t).clamp(min=1e-3)
        s = t * (1.0 - self.gap(step))
        x_t = batch.x + spread(t) * (normal_like(batch.x, generator) - batch.x)
        with torch.no_grad():
            x_s = self._guided_step(x_t, t, s, conditions)
            target = self._jump(x_s, s, conditions)
        distance = (self._jump(x_t, t, conditions) - target) / spread(t)
        squares = weighted_mean(distance.square(), batch, settings.silence_weight)
        c = settings.softening
        return {"total": (torch.sqrt(squares + c * c) - c).mean(), "squares": squares.mean()}

    def gap(self, step: int) -> float:
        """The share of t that a teacher step covers at this training step."""
        settings = self.settings
        done = min(1.0, step / max(1.0, self.steps * settings.gap_until))
        ratio = settings.last_gap / settings.first_gap
        return settings.first_gap * math.pow(ratio, done)

    def _guidance(self, x: Tensor, generator: torch.Generator) -> Tensor:
        low, high = self.settings.guidance_low, self.settings.guidance_high
        draws = torch.rand(x.shape[0], generator=generator).to(x.device)
        return low + (high - low) * draws

    def _jump(self, x: Tensor, t: Tensor, conditions: Conditions) -> Tensor:
        velocity: Tensor = self.network(x, t, conditions).float()
        return denoised_from_velocity(x, spread(t), velocity)

    def _guided_step(self, x: Tensor, t: Tensor, s: Tensor, conditions: Conditions) -> Tensor:
        """Euler's step of the teacher with classifier-free guidance (Ho & Salimans 2022)."""
        plain = conditions._replace(guidance=torch.ones_like(conditions.guidance))
        both = joined(plain, without_conditions(plain))
        velocity: Tensor = self.teacher(torch.cat((x, x)), torch.cat((t, t)), both).float()
        told, untold = velocity.chunk(2)
        guided = untold + spread(conditions.guidance) * (told - untold)
        return x + spread(s - t) * guided


def build(settings: Settings, parts: Parts) -> Consistency:
    """Build the framework; parts.network must hold flow-matched weights."""
    return Consistency(settings, parts)


SPEC = Spec("consistency", Settings, build, frozenset({SEQUENCE}))
