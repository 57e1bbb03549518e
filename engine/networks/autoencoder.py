"""Autoencoders of spectra: what they have in common, and one made of any two sequence networks.

Shapes: analysis spectrum (B, 2, bins, 2L); latent (B, D, L); synthesis spectrum (B, 2, bins, 4L).
Only real tensors go in and out; the STFTs stay outside (engine.codecs.stft_vae).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from engine.networks.interface import no_conditions
from engine.networks.spectra import features, spectrum_of

_LOG_VARIANCE = -4.0  # of fresh latents: precise enough that the decoder listens to them
_SILENT = -5.0  # log-magnitude of a fresh decoder


class AutoencoderSizes(Protocol):
    """What codecs and data ask of an autoencoder's settings."""

    @property
    def latent_dims(self) -> int: ...
    @property
    def encoder_bins(self) -> int: ...
    @property
    def decoder_bins(self) -> int: ...


class Autoencoder(nn.Module):
    """Encoder, decoder and the statistics that bring latents to zero mean and unit variance.

    encoder(spectrum) -> (mean, log_variance), each (B, D, L); decoder(latent) -> spectrum.
    """

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, settings: AutoencoderSizes, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder
        self.decoder = decoder
        self.register_buffer("latent_mean", torch.zeros(settings.latent_dims))
        self.register_buffer("latent_std", torch.ones(settings.latent_dims))

    def encode(self, spectrum: Tensor) -> Tensor:
        """Analysis spectrum to normalised latents (B, D, L); deterministic: the mean."""
        mean, _ = self.encoder(spectrum)
        normal: Tensor = (mean - self.latent_mean[:, None]) / self.latent_std[:, None]
        return normal

    def decode(self, latent: Tensor) -> Tensor:
        """Normalised latents (B, D, L) to a synthesis spectrum (B, 2, bins, 4L)."""
        spectrum: Tensor = self.decoder(
            latent * self.latent_std[:, None] + self.latent_mean[:, None]
        )
        return spectrum


@dataclass(frozen=True)
class FrameSizes:
    """Sizes of a FrameAutoencoder; width is the channels its two sequence networks work on."""

    latent_dims: int
    width: int
    encoder_bins: int
    decoder_bins: int


class FrameEncoder(nn.Module):
    """Two analysis frames a latent frame, through a sequence network, to mean and log-variance.

    The network adds to its input: a network that begins at zero leaves a linear encoder.
    """

    def __init__(self, sizes: FrameSizes, network: nn.Module) -> None:
        super().__init__()
        self.project = nn.Linear(2 * 3 * sizes.encoder_bins, sizes.width)
        self.network = network
        self.head = nn.Linear(sizes.width, 2 * sizes.latent_dims)
        with torch.no_grad():
            self.head.weight[sizes.latent_dims :].zero_()
            self.head.bias[sizes.latent_dims :].fill_(_LOG_VARIANCE)

    def forward(self, spectrum: Tensor) -> tuple[Tensor, Tensor]:
        """Return (mean, log_variance), each (B, D, L) float32."""
        seen = features(spectrum).transpose(1, 2)  # (B, 2L, 3 bins)
        x = self.project(seen.reshape(seen.shape[0], seen.shape[1] // 2, 2 * seen.shape[2]))
        x = _plus(self.network, x.transpose(1, 2))
        mean, log_variance = self.head(x.transpose(1, 2)).transpose(1, 2).float().chunk(2, dim=1)
        return mean, log_variance.clamp(-12.0, 4.0)


class FrameDecoder(nn.Module):
    """Latents through a sequence network to four synthesis frames a latent frame."""

    def __init__(self, sizes: FrameSizes, network: nn.Module) -> None:
        super().__init__()
        self.bins = sizes.decoder_bins
        self.project = nn.Linear(sizes.latent_dims, sizes.width)
        self.network = network
        self.head = nn.Linear(sizes.width, 4 * 3 * sizes.decoder_bins)
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.bias.view(4, 3, self.bins)[:, 0].fill_(_SILENT)

    def forward(self, latent: Tensor) -> Tensor:
        """Return the spectrum, float32, real and imaginary parts in channels 0 and 1."""
        x = self.project(latent.transpose(1, 2))
        x = self.head(_plus(self.network, x.transpose(1, 2)).transpose(1, 2)).float()
        x = x.reshape(x.shape[0], 4 * x.shape[1], 3, self.bins).permute(2, 0, 3, 1)
        return spectrum_of(x[0], x[1], x[2], floored=not self.training)


class FrameAutoencoder(Autoencoder):
    """Two sequence networks, each (B, width, L) to the same, as encoder and decoder of spectra."""

    def __init__(self, sizes: FrameSizes, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__(sizes, FrameEncoder(sizes, encoder), FrameDecoder(sizes, decoder))


def _plus(network: nn.Module, x: Tensor) -> Tensor:
    """x and what the network, told nothing of noise and conditions, says of it."""
    answer: Tensor = network(x, x.new_zeros(x.shape[0]), no_conditions(x))
    return x + answer
