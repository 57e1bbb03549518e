"""Quantised autoencoder that also has to convince a discriminator.

Esser et al. 2021 (arXiv 2012.09841), section 3.1, over spectra: their perceptual loss is the
spectral one here, and the adversarial weight is fixed instead of their adaptive lambda (equation
7). The discriminator and its losses are the codec finish's (engine.frameworks.critic).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.frameworks import Batch, Parts, Phase
from engine.frameworks.codec_framework import EITHER
from engine.frameworks.critic import Critic, CriticSettings
from engine.frameworks.vqvae import VqVae, VqVaeSettings, quantized_autoencoder
from engine.registry import Spec


@dataclass(frozen=True)
class VqGanSettings(CriticSettings, VqVaeSettings):
    """Weights of the spectral, the quantiser's and the adversarial terms."""


class VqGan(VqVae):
    """Trains encoder and decoder, then the discriminator on what they made in the same step."""

    def __init__(self, settings: VqGanSettings, parts: Parts) -> None:
        super().__init__(settings, parts)
        self.critic = Critic(settings)

    def phases(self) -> tuple[Phase, ...]:
        """Autoencoder first, then the discriminator."""
        trained = tuple(self.network.parameters())
        return Phase("autoencoder", trained, self.loss), self.critic.phase()

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """The quantised autoencoder's losses, and the discriminator's opinion."""
        decoded, losses = self.reconstruct(batch, generator)
        judged = self.critic.judge(batch.x[:, 0], decoded[:, 0], generator, step)
        total = losses["total"] + judged.get("total", 0.0)
        return {**losses, **judged, "total": total}


def build(settings: VqGanSettings, parts: Parts) -> VqGan:
    """Build the framework."""
    return VqGan(settings, parts)


SPEC = Spec(
    "vqgan",
    VqGanSettings,
    build,
    either=EITHER,
    network=quantized_autoencoder,
    data=("audio",),
    paper="Esser et al. 2021 (arXiv 2012.09841)",
)
