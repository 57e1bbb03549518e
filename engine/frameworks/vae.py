"""Variational autoencoder over spectra: spectral reconstruction, and KL.

Kingma and Welling 2013 (arXiv 1312.6114), equation 10 with one draw a sound. The KL divergence is
the mean over dimensions and frames, weighed by kl_weight (Higgins et al. 2017's beta).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.errors import BadRange
from engine.frameworks import Batch, Parts
from engine.frameworks.codec_framework import EITHER, CodecFramework, autoencoder
from engine.frameworks.sampling import Drawn, Order, Sampling
from engine.frameworks.spectral import SpectralSettings
from engine.networks.autoencoder import Autoencoder
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

    def sampling(self) -> Sampling:
        """Decode the prior's latents, standard normal; conditions play no part but their number."""

        def make(network: nn.Module, order: Order, name: str, steps: int) -> Drawn:
            assert isinstance(network, Autoencoder)
            if steps != 1:
                raise BadRange(f"steps is {steps}; a decoder makes its sound in 1")
            frames = -(-order.length // self.codec.hop_frames)
            latent = order.noise(0, (order.rows, network.settings.latent_dims, frames))
            made = self.codec.audio(network.decoder(latent))[..., : order.length]
            order.on_step(1, 1)
            return Drawn(made, 1)

        return Sampling({"one_step": 1}, make, "sound")


def build(settings: VaeSettings, parts: Parts) -> Vae:
    """Build the framework."""
    return Vae(settings, parts)


SPEC = Spec(
    "vae",
    VaeSettings,
    build,
    either=EITHER,
    network=autoencoder,
    data=("audio",),
    paper="Kingma & Welling 2013 (arXiv 1312.6114)",
)
