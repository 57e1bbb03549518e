"""Codec between mono audio and latents: STFT, convolutional VAE, inverse STFT.

44.1 kHz audio becomes one latent frame each 1024 samples (43 a second). The network
(engine.networks.autoencoder) sees spectra only; this file joins it to the STFTs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.networks.autoencoder import Autoencoder, FrameAutoencoder, FrameSizes
from engine.networks.interface import NetworkBuilder, NetworkInfo
from engine.registry import Spec
from engine.stft import Stft


@dataclass(frozen=True)
class StftVaeSettings:
    """The codec's two STFTs and its rate, and the sizes of autoencoders it makes itself."""

    sample_rate: int = 44_100
    encoder_fft: int = 2048
    encoder_hop: int = 512
    decoder_fft: int = 1024
    decoder_hop: int = 256
    latent_dims: int = 64  # of autoencoders made of sequence networks; convnext has its own
    width: int = 256  # channels that these sequence networks work on


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

    def autoencoder(self, make: NetworkBuilder) -> Autoencoder:
        """The recipe's network as an autoencoder: itself if it is one, else two of it.

        Raises RecipeError when an autoencoder's spectra have other sizes than the codec's.
        """
        s = self.settings
        shapes = NetworkInfo(s.width)
        network = make(shapes)
        if not isinstance(network, Autoencoder):
            sizes = FrameSizes(s.latent_dims, s.width, self.analysis.bins, self.synthesis.bins)
            network = FrameAutoencoder(sizes, network, make(shapes))
        self.check(network)
        return network

    def check(self, network: nn.Module) -> None:
        """Raise RecipeError when the network's spectra have other sizes than the codec's."""
        if not isinstance(network, Autoencoder):
            raise RecipeError(
                f"codec stft_vae needs an autoencoder of spectra, not a {type(network).__name__}"
            )
        found = (network.settings.encoder_bins, network.settings.decoder_bins)
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
    def encode(self, network: Autoencoder, audio: Tensor) -> Tensor:
        """(B, 1, T) audio to normalised latents (B, D, ceil(T / hop_frames))."""
        return network.encode(self.spectrum(audio))

    @torch.no_grad()
    def decode(self, network: Autoencoder, latent: Tensor) -> Tensor:
        """Normalised latents (B, D, L) to (B, 1, L * hop_frames) audio."""
        return self.audio(network.decode(latent))


def build(settings: StftVaeSettings) -> StftVae:
    """Build the codec."""
    return StftVae(settings)


SPEC = Spec("stft_vae", StftVaeSettings, build)
