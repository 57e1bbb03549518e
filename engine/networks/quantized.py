"""An autoencoder of spectra with a quantiser between its halves: sounds as codes (B, K, L)."""

from __future__ import annotations

from torch import Tensor

from engine.networks.autoencoder import Autoencoder
from engine.quantizers import ResidualQuantizer


class QuantizedAutoencoder(Autoencoder):
    """The encoder's mean is quantised; its log-variance plays no part."""

    quantizer: ResidualQuantizer

    def __init__(self, inner: Autoencoder, quantizer: ResidualQuantizer) -> None:
        super().__init__(inner.settings, inner.encoder, inner.decoder)
        self.quantizer = quantizer

    def encode(self, spectrum: Tensor) -> Tensor:
        """Analysis spectrum to quantised, normalised latents (B, D, L)."""
        mean, _ = self.encoder(spectrum)
        latent = self.quantizer(mean).latent
        normal: Tensor = (latent - self.latent_mean[:, None]) / self.latent_std[:, None]
        return normal

    def encode_codes(self, spectrum: Tensor) -> Tensor:
        """Analysis spectrum to codes (B, K, L) int64."""
        mean, _ = self.encoder(spectrum)
        codes: Tensor = self.quantizer(mean).codes
        return codes

    def decode_codes(self, codes: Tensor) -> Tensor:
        """Codes (B, K, L) to a synthesis spectrum (B, 2, bins, 4L)."""
        spectrum: Tensor = self.decoder(self.quantizer.decode(codes))
        return spectrum
