"""Adversarial finish of a codec's decoder: spectral losses and a discriminator's (see critic).

The encoder stays frozen, so that latents and denoisers trained on them stay valid.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.frameworks import Batch, Parts, Phase
from engine.frameworks.codec_framework import EITHER, CodecFramework, autoencoder
from engine.frameworks.critic import Critic, CriticSettings
from engine.frameworks.spectral import SpectralSettings
from engine.registry import Spec


@dataclass(frozen=True)
class AdversarialSettings(CriticSettings, SpectralSettings):
    """Weights of the spectral and of the adversarial terms."""

    latent_noise: float = 0.1  # deviation added to latents: what denoisers make is not exact


class Adversarial(CodecFramework):
    """Trains the decoder of an autoencoder whose encoder is frozen."""

    def __init__(self, settings: AdversarialSettings, parts: Parts) -> None:
        super().__init__(settings, parts)
        self.settings = settings
        self.network.encoder.requires_grad_(False)
        self.critic = Critic(settings)

    def phases(self) -> tuple[Phase, ...]:
        """Decoder first, then the discriminator on what the decoder made in the same step."""
        decoder = tuple(self.network.decoder.parameters())
        return Phase("decoder", decoder, self.loss), self.critic.phase()

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Spectral distances, adversarial hinge term and feature distances of the decoder."""
        with torch.no_grad():
            latent = self.codec.encode(self.network, batch.x)
            noise = torch.randn(latent.shape, generator=generator, device=latent.device)
            amount = torch.rand((len(latent), 1, 1), generator=generator, device=latent.device)
            latent = latent + self.settings.latent_noise * amount * noise
        spectrum = self.network.decode(latent)
        losses = self.spectral.losses(batch.x, spectrum, generator)
        decoded = self.codec.audio(spectrum)[..., : batch.x.shape[-1]]
        judged = self.critic.judge(batch.x[:, 0], decoded[:, 0], generator, step)
        total = losses["spectral"] + judged.get("total", 0.0)
        return {**losses, **judged, "total": total}


def build(settings: AdversarialSettings, parts: Parts) -> Adversarial:
    """Build the framework."""
    return Adversarial(settings, parts)


SPEC = Spec(
    "adversarial",
    AdversarialSettings,
    build,
    either=EITHER,
    network=autoencoder,
    data=("audio",),
    paper="Lim & Ye 2017 (arXiv 1705.02894), Larsen et al. 2016 (arXiv 1512.09300)",
)
