"""Codec between mono audio and latents: STFT, convolutional VAE, inverse STFT.

44.1 kHz audio becomes one latent frame each 1024 samples (43 a second). The network
(engine.networks.convnext) sees spectra only; this file joins it to the STFTs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.registry import Spec
from engine.stft import Stft


@dataclass(frozen=True)
class StftVaeSettings:
    """The codec's two STFTs and its rate."""

    sample_rate: int = 44_100
    encoder_fft: int = 2048
    encoder_hop: int = 512
    decoder_fft: int = 1024
    decoder_hop: int = 256


class StftVae:
    """Encode and decode audio with an autoencoder network that has encode() and decode()."""

    def __init__(self, settings: StftVaeSettings) -> None:
        self.settings = settings
        self.analysis = Stft(settings.encoder_fft, settings.encoder_hop)
        self.synthesis = Stft(settings.decoder_fft, settings.decoder_hop)
        if settings.encoder_hop != 2 * settings.decoder_hop:
            raise RecipeError(
                f"codec hops are {settings.encoder_hop} and {settings.decoder_hop}; "
                "expected encoder_hop = 2 x decoder_hop"
            )

    @property
    def hop_frames(self) -> int:
        """Audio samples a latent frame."""
        return 2 * self.settings.encoder_hop

    @property
    def delay_frames(self) -> int:
        """Samples by which decoded audio lags the encoded: none, frames are centred."""
        return 0

    def check(self, network: nn.Module) -> None:
        """Raise RecipeError when the network's spectra have other sizes than the codec's."""
        sizes = getattr(network, "settings", None)
        found = (getattr(sizes, "encoder_bins", None), getattr(sizes, "decoder_bins", None))
        expected = (self.analysis.bins, self.synthesis.bins)
        if found != expected:
            raise RecipeError(
                f"network {type(network).__name__} has encoder and decoder bins {found}; "
                f"codec stft_vae needs {expected}"
            )

    def spectrum(self, audio: Tensor) -> Tensor:
        """(B, 1, T) audio to the analysis spectrum; T is padded with silence to whole frames."""
        short = -audio.shape[-1] % self.hop_frames
        return self.analysis.forward(F.pad(audio, (0, short))[:, 0])

    def audio(self, spectrum: Tensor) -> Tensor:
        """Synthesis spectrum to (B, 1, T) audio."""
        return self.synthesis.inverse(spectrum)[:, None]

    @torch.no_grad()
    def encode(self, network: nn.Module, audio: Tensor) -> Tensor:
        """(B, 1, T) audio to normalised latents (B, D, ceil(T / hop_frames))."""
        latent: Tensor = network.encode(self.spectrum(audio))  # type: ignore[operator]
        return latent

    @torch.no_grad()
    def decode(self, network: nn.Module, latent: Tensor) -> Tensor:
        """Normalised latents (B, D, L) to (B, 1, L * hop_frames) audio."""
        return self.audio(network.decode(latent))  # type: ignore[operator]


def build(settings: StftVaeSettings) -> StftVae:
    """Build the codec."""
    return StftVae(settings)


SPEC = Spec("stft_vae", StftVaeSettings, build)
