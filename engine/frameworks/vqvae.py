"""Quantised autoencoder of spectra: spectral reconstruction, and commitment to the codes.

van den Oord et al. 2017 (arXiv 1711.00937), equation 3 with the codebooks' own term replaced by
moving averages (engine.quantizers). What is trained on its codes is a prior (autoregressive).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from engine.errors import RecipeError
from engine.frameworks import Batch, DataInfo, Parts
from engine.frameworks.codec_framework import EITHER, CodecFramework, autoencoder
from engine.frameworks.spectral import SpectralSettings
from engine.networks.interface import NetworkBuilder
from engine.networks.quantized import QuantizedAutoencoder
from engine.quantizers import QuantizerSettings, ResidualQuantizer
from engine.registry import Spec

_FIT_BATCHES = 20
_FIT_SEED = 0


@dataclass(frozen=True)
class VqVaeSettings(SpectralSettings):
    """Weights of the losses, and the quantiser."""

    commitment_weight: float = 0.25  # beta
    quantizer: QuantizerSettings = field(default_factory=QuantizerSettings)


class VqVae(CodecFramework):
    """Trains encoder and decoder on quantised latents; the codebooks follow the encoder."""

    network: QuantizedAutoencoder

    def __init__(self, settings: VqVaeSettings, parts: Parts) -> None:
        super().__init__(settings, parts)
        assert isinstance(parts.network, QuantizedAutoencoder)
        self.network = parts.network
        self.settings = settings

    @torch.no_grad()
    def begin(self, batches: Callable[[int], Batch]) -> None:
        """Fit the encoder's linear path if it has one, then the codebooks to its latents."""
        super().begin(batches)
        spectra = (self.codec.spectrum(batches(n).x) for n in range(_FIT_BATCHES))
        means = torch.cat([self.network.encoder(spectrum)[0] for spectrum in spectra])
        self.network.quantizer.fit(means, torch.Generator().manual_seed(_FIT_SEED))

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Spectral distances and commitment; "perplexity" and "used" tell of the codebooks."""
        _, losses = self.reconstruct(batch, generator)
        return losses

    def reconstruct(
        self, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return (decoded sounds (B, 1, T), losses), and let the codebooks learn."""
        mean, _ = self.network.encoder(self.codec.spectrum(batch.x))
        quantized = self.network.quantizer(mean)
        spectrum = self.network.decoder(quantized.latent)
        losses = self.spectral.losses(batch.x, spectrum, generator)
        total = losses["spectral"] + self.settings.commitment_weight * quantized.commitment
        numbers = self.network.quantizer.learn(mean.detach(), generator)
        decoded = self.codec.audio(spectrum)[..., : batch.x.shape[-1]]
        return decoded, {"total": total, **losses, "commitment": quantized.commitment, **numbers}


def quantized_autoencoder(
    settings: VqVaeSettings, make: NetworkBuilder, codec: Any | None, info: DataInfo
) -> QuantizedAutoencoder:
    """The recipe's network as an autoencoder with a quantiser between its halves."""
    sizes = settings.quantizer
    if sizes.codebooks < 1 or sizes.codes < 2:
        raise RecipeError(
            f"quantizer has {sizes.codebooks} codebooks of {sizes.codes} codes; expected at least "
            "1 codebook of 2 codes"
        )
    inner = autoencoder(settings, make, codec, info)
    return QuantizedAutoencoder(inner, ResidualQuantizer(sizes, inner.settings.latent_dims))


def build(settings: VqVaeSettings, parts: Parts) -> VqVae:
    """Build the framework."""
    return VqVae(settings, parts)


SPEC = Spec(
    "vqvae",
    VqVaeSettings,
    build,
    either=EITHER,
    network=quantized_autoencoder,
    data=("audio",),
    paper="van den Oord et al. 2017 (arXiv 1711.00937)",
)
