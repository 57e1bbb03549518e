"""Consistency training: a consistency model from scratch, with no diffusion model as a teacher.

| paper                                                          | here                          |
|----------------------------------------------------------------|-------------------------------|
| x_t, x_r of one x_0 and one eps, Song & Dhariwal 2024 (iCT)    | earlier: x_t + (s - t) v      |
| r = t (1 - 1 / 2^k), k grows: Geng et al. 2024 (ECT), eq. 9    | s = t (1 - gap), gap shrinks  |
| pseudo-Huber distance, iCT section 3.3; no EMA of the target   | ConsistencyModel.loss         |

The papers work on the sigma scale; here it is flow time, so that the network is a voice's and
``consistency`` samples it. With gap = 1 the target is the sound itself: flow matching.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.frameworks import Batch, Parts
from engine.frameworks.consistency import ConsistencyModel, Curriculum
from engine.frameworks.losses import dropped_conditions, spread
from engine.networks.interface import SEQUENCE, Conditions
from engine.registry import Spec


@dataclass(frozen=True)
class Settings(Curriculum):
    """Settings of consistency training: the curriculum, down to smaller gaps."""

    last_gap: float = 0.05


class ConsistencyTraining(ConsistencyModel):
    """Trains the network against its own answers on the straight line between eps and x_0."""

    def asked(self, batch: Batch, generator: torch.Generator) -> Conditions:
        """Some conditions; guidance is 1, as there is no teacher to be guided."""
        return dropped_conditions(batch, self.curriculum.dropout, generator)

    def earlier(
        self, x_t: Tensor, t: Tensor, s: Tensor, velocity: Tensor, conditions: Conditions
    ) -> Tensor:
        """The same pair of sound and noise at s."""
        return x_t + spread(s - t) * velocity


def build(settings: Settings, parts: Parts) -> ConsistencyTraining:
    """Build the framework; parts.network may be fresh or hold flow-matched weights."""
    return ConsistencyTraining(settings, parts)


SPEC = Spec(
    "consistency_training",
    Settings,
    build,
    frozenset({SEQUENCE}),
    noise_range=lambda _settings: (0.0, 1.0),
    paper="Song & Dhariwal 2024 (arXiv 2310.14189), Geng et al. 2024 (arXiv 2406.14548)",
)
