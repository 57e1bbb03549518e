"""Variational autoencoder over spectra: spectral reconstruction, and KL.

Kingma and Welling 2013 (arXiv 1312.6114), equation 10 with one draw a sound. The KL divergence is
the mean over dimensions and frames, weighed by kl_weight (Higgins et al. 2017's beta).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine.frameworks import Batch, Parts
from engine.frameworks.codec_framework import EITHER, CodecFramework, autoencoder
from engine.frameworks.drawing import Drawn, normal_rows
from engine.frameworks.spectral import SpectralSettings
from engine.networks.autoencoder import Autoencoder
from engine.networks.interface import Conditions
from engine.registry import Spec


@dataclass(frozen=True)
class VaeSettings(SpectralSettings):
    """Weights of the losses."""

    kl_weight: float = 0.02  # of the mean over dimensions and frames


class Vae(CodecFramework):
    """Trains encoder and decoder on sampled latents."""

    def __init__(self, settings: VaeSettings, parts: Parts) -> None:
        super().__init__(settings, parts)
        self.settings = settings

    def reconstruct(
        self, audio: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return (synthesis spectrum, mean, log_variance) with a sampled latent."""
        mean, log_variance = self.network.encoder(self.codec.spectrum(audio))
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        latent = mean + noise * torch.exp(0.5 * log_variance)
        return self.network.decoder(latent), mean, log_variance

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Spectral distances in the drawn resolutions, and KL."""
        spectrum, mean, log_variance = self.reconstruct(batch.x, generator)
        losses = self.spectral.losses(batch.x, spectrum, generator)
        kl = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).mean()
        return {
            "total": losses["spectral"] + self.settings.kl_weight * kl,
            **losses,
            "kl": kl,
        }

    @torch.no_grad()
    def draw(
        self, network: nn.Module, frames: int, conditions: Conditions, rng: np.random.Generator
    ) -> Drawn:
        """Sounds (B, 1, frames x hop) decoded from the prior: standard normal latents.

        Conditions say how many, nothing else: the autoencoder hears none.
        """
        assert isinstance(network, Autoencoder)
        rows, dims = len(conditions.category), network.settings.latent_dims
        latent = normal_rows(rng, rows, dims, frames, conditions.category.device)
        return Drawn(self.codec.audio(network.decoder(latent)), 1)


def build(settings: VaeSettings, parts: Parts) -> Vae:
    """Build the framework."""
    return Vae(settings, parts)


SPEC = Spec("vae", VaeSettings, build, either=EITHER, network=autoencoder)
