"""Consistency distillation: tune a flow-matched network until one jump equals many small steps.

| paper                                                    | here                              |
|----------------------------------------------------------|-----------------------------------|
| f(x_t, t), Song et al. 2023                              | D(x, t) = x - t v                 |
| solver step of the teacher with guidance w, Luo 2023     | earlier: Euler from t to s         |
| r = t (1 - 1 / 2^k), k grows: Geng et al. 2024 (ECT)     | s = t (1 - gap), gap shrinks      |
| d(f(x_t, t), stopgrad f(x_s, s)), pseudo-Huber           | distance / t: measured as velocity|

The guidance scale is an input of the student, drawn anew for each sound, so that guidance costs
nothing later. With gap = 1 the student only learns the teacher's guided answer; smaller gaps then
bind neighbouring times together, with the student's own answer at s as the target at t.
"""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from engine.denoisers import denoised_from_velocity
from engine.frameworks import Batch, Framework, Parts
from engine.frameworks.denoising import flow_way, only, sampling_of
from engine.frameworks.losses import (
    ConditionDropout,
    conditions_with_guidance,
    logit_normal_times,
    normal_like,
    spread,
    uniform,
    weighted_mean,
    without_conditions,
)
from engine.frameworks.sampling import Sampling
from engine.networks.interface import SEQUENCE, Conditions, joined
from engine.registry import Spec
from engine.schedules import flow_times


@dataclass(frozen=True)
class Curriculum:
    """Which times are bound together, and how their answers' distance is measured."""

    time_mean: float = 0.8
    time_std: float = 1.6
    first_gap: float = 1.0  # share of t that a step covers at the beginning
    last_gap: float = 0.1  # and at the end; in between it shrinks by equal factors
    gap_until: float = 0.7  # share of the run after which the gap stays
    whole_noise: float = 0.15  # share of sounds that begin at t = 1 exactly
    softening: float = 0.1  # c of the pseudo-Huber distance, in units of velocity
    silence_weight: float = 0.4
    dropout: ConditionDropout = field(default_factory=lambda: ConditionDropout(everything=0.05))


@dataclass(frozen=True)
class Settings(Curriculum):
    """Settings of consistency distillation."""

    guidance_low: float = 1.0
    guidance_high: float = 4.0


class ConsistencyModel(Framework):
    """Binds the network's jump from t to its own jump from an earlier s on the same path."""

    def __init__(self, curriculum: Curriculum, parts: Parts) -> None:
        super().__init__()
        self.curriculum = curriculum
        self.network = parts.network
        self.channels = parts.data.channels
        self.steps = parts.steps

    @abstractmethod
    def asked(self, batch: Batch, generator: torch.Generator) -> Conditions:
        """What the network is told of each sound."""

    @abstractmethod
    def earlier(
        self, x_t: Tensor, t: Tensor, s: Tensor, velocity: Tensor, conditions: Conditions
    ) -> Tensor:
        """x at s on the path through x_t; velocity: this pair's eps - x_0. Takes no gradient."""

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Pseudo-Huber distance between the network's answers at t and at s < t."""
        conditions = self.asked(batch, generator)
        t = self.times(batch, generator)
        s = t * (1.0 - self.gap(step))
        velocity = normal_like(batch.x, generator) - batch.x
        x_t = batch.x + spread(t) * velocity
        with torch.no_grad():
            x_s = self.earlier(x_t, t, s, velocity, conditions)
            target = self._jump(x_s, s, conditions)
        difference = (self._jump(x_t, t, conditions) - target) / spread(t)
        return self.distances(difference, batch)

    def times(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """t (B,) at which the answers are compared, whole_noise of them 1."""
        settings = self.curriculum
        t = logit_normal_times(batch.x, settings.time_mean, settings.time_std, generator)
        whole = uniform(tuple(t.shape), batch.x, generator) < settings.whole_noise
        return torch.where(whole, torch.ones_like(t), t).clamp(min=1e-3)

    def distances(self, difference: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Pseudo-Huber ("total") and mean square of a difference (B, D, L) of velocities."""
        squares = weighted_mean(difference.square(), batch, self.curriculum.silence_weight)
        return {"total": self.softened(squares).mean(), "squares": squares.mean()}

    def softened(self, squares: Tensor) -> Tensor:
        """The pseudo-Huber distance of mean squares (B,)."""
        c = self.curriculum.softening
        return torch.sqrt(squares + c * c) - c

    def gap(self, step: int) -> float:
        """The share of t between t and s at this training step."""
        settings = self.curriculum
        done = min(1.0, step / max(1.0, self.steps * settings.gap_until))
        ratio = settings.last_gap / settings.first_gap
        return settings.first_gap * math.pow(ratio, done)

    def sampling(self) -> Sampling:
        """Ping-pong in 1 to 8 steps, or one jump; guidance is an input of the network."""
        ways = {
            "consistency": flow_way("consistency", flow_times, 4),
            "one_step": flow_way("consistency", only((1.0, 0.0)), 1),
        }
        return sampling_of(ways, self.channels, "velocity", folded=True)

    def _jump(self, x: Tensor, t: Tensor, conditions: Conditions) -> Tensor:
        velocity: Tensor = self.network(x, t, conditions).float()
        return denoised_from_velocity(x, spread(t), velocity)


class Consistency(ConsistencyModel):
    """Distils a frozen copy of the starting network into ``self.network``."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        super().__init__(settings, parts)
        self.settings = settings
        self.teacher: nn.Module = copy.deepcopy(parts.network)
        self.teacher.requires_grad_(False)

    def asked(self, batch: Batch, generator: torch.Generator) -> Conditions:
        """Some conditions, and a guidance scale drawn for each sound."""
        settings = self.settings
        low, high = settings.guidance_low, settings.guidance_high
        return conditions_with_guidance(batch, settings.dropout, (low, high), generator)

    def earlier(
        self, x_t: Tensor, t: Tensor, s: Tensor, velocity: Tensor, conditions: Conditions
    ) -> Tensor:
        """Euler's step of the teacher with classifier-free guidance (Ho & Salimans 2022)."""
        plain = conditions._replace(guidance=torch.ones_like(conditions.guidance))
        both = joined(plain, without_conditions(plain))
        answer: Tensor = self.teacher(torch.cat((x_t, x_t)), torch.cat((t, t)), both).float()
        told, untold = answer.chunk(2)
        guided = untold + spread(conditions.guidance) * (told - untold)
        return x_t + spread(s - t) * guided


def build(settings: Settings, parts: Parts) -> Consistency:
    """Build the framework; parts.network must hold flow-matched weights."""
    return Consistency(settings, parts)


SPEC = Spec(
    "consistency",
    Settings,
    build,
    frozenset({SEQUENCE}),
    noise_range=lambda _settings: (0.0, 1.0),
    paper="Song et al. 2023 (arXiv 2303.01469), Luo et al. 2023 (arXiv 2310.04378)",
)
