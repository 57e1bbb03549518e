"""What frameworks that train an autoencoder of spectra through the stft_vae codec share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from engine.codecs.stft_vae import StftVae
from engine.errors import RecipeError
from engine.frameworks import Batch, DataInfo, Framework, Parts
from engine.frameworks.direct_fit import fit_direct
from engine.frameworks.spectral import SpectralDistance, SpectralSettings
from engine.networks.autoencoder import Autoencoder
from engine.networks.convnext import Encoder as ConvNextEncoder
from engine.networks.interface import AUTOENCODER, SEQUENCE, NetworkBuilder

EITHER = frozenset({AUTOENCODER, SEQUENCE})
"""Networks that will do: an autoencoder, or a sequence network to make one of."""
_FIT_BATCHES = 100


class CodecFramework(Framework):
    """Holds the autoencoder, the codec and the spectral distances; shows reconstructions."""

    network: Autoencoder

    def __init__(self, settings: SpectralSettings, parts: Parts) -> None:
        super().__init__()
        codec = needed_codec(parts.codec)
        codec.check(parts.network)
        assert isinstance(parts.network, Autoencoder)
        self.network = parts.network
        self.codec = codec
        self.spectral = SpectralDistance(settings, codec, parts.data.sample_rate)

    def begin(self, batches: Callable[[int], Batch]) -> None:
        """Fit the linear path of a fresh ConvNeXt autoencoder."""
        if isinstance(self.network.encoder, ConvNextEncoder):
            fit_direct(self.network, self.codec, (batches(n) for n in range(_FIT_BATCHES)))

    @torch.no_grad()
    def preview(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return (sounds, their reconstructions)."""
        latent = self.codec.encode(self.network, batch.x)
        return batch.x, self.codec.decode(self.network, latent)[..., : batch.x.shape[-1]]


def needed_codec(codec: Any | None) -> StftVae:
    """The codec, or RecipeError: frameworks over spectra need this one."""
    if not isinstance(codec, StftVae):
        raise RecipeError('frameworks that train a codec need [codec] name = "stft_vae"')
    return codec


def autoencoder(
    settings: Any, make: NetworkBuilder, codec: Any | None, info: DataInfo
) -> Autoencoder:
    """What these frameworks train: the recipe's network as an autoencoder."""
    return needed_codec(codec).autoencoder(make)
