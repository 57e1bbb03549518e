"""Fit the linear path of a fresh autoencoder in closed form, before its first training step.

Left to gradients, a spectral autoencoder finds phases only after thousands of steps: until the
encoder says them the decoder cannot use them, and the other way round. Here the strongest
principal directions of the low, compressed spectrum become latents, and least squares maps these
latents back to the decoder's low bins. From there gradients take over.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.codecs.stft_vae import StftVae
from engine.frameworks import Batch
from engine.networks.autoencoder import Autoencoder
from engine.networks.convnext import Decoder, Encoder
from engine.networks.spectra import compressed

_SHARE = 28 / 64  # of the latent dimensions
_LOG_VARIANCE = -3.5  # of these latents: precise from the start
_SHARPNESS = 4.0  # the head's directions must outweigh the fresh blocks' random ones
_RIDGE = 1e-3


@torch.no_grad()
def fit_direct(network: Autoencoder, codec: StftVae, batches: Iterable[Batch]) -> None:
    """Set encoder.direct and decoder.direct of a ConvNeXt autoencoder from batches of audio."""
    encoder, decoder = network.encoder, network.decoder
    assert isinstance(encoder, Encoder)
    assert isinstance(decoder, Decoder)
    dims_all = network.settings.latent_dims
    inputs, targets = [], []
    for batch in batches:
        low = compressed(codec.spectrum(batch.x))[0][:, :, : encoder.low].flatten(1, 2)
        low = low.transpose(1, 2)
        inputs.append(low.reshape(low.shape[0], low.shape[1] // 2, 2 * low.shape[2]))
        count = inputs[-1].shape[1]
        audio = F.pad(batch.x[:, 0], (0, count * codec.hop_frames - batch.x.shape[-1]))
        true = compressed(codec.synthesis.forward(audio))[0][:, :, : decoder.low]
        true = true.permute(0, 3, 1, 2)
        targets.append(true.reshape(len(true), count, 4 * 2 * decoder.low))
    wide = torch.cat([x.flatten(0, 1) for x in inputs])
    wanted = min(round(dims_all * _SHARE), wide.shape[1])
    values, vectors = torch.linalg.eigh(wide.T @ wide / len(wide))
    values, vectors = values.flip(0)[:wanted].clamp(min=1e-8), vectors.flip(1)[:, :wanted]
    dims = torch.arange(dims_all - wanted, dims_all)
    encoder.direct.weight.zero_()
    encoder.direct.weight[dims] = (vectors / values.sqrt()).T
    head = encoder.head
    for rows in (dims, dims_all + dims):
        head.weight[rows] = 0.0
        head.bias[rows] = 0.0
    head.bias[dims_all + dims] = _LOG_VARIANCE

    near = torch.cat([_with_neighbours(encoder.direct(x)[:, :, dims]) for x in inputs])
    true = torch.cat([t.flatten(0, 1) for t in targets])
    # the noise that sampling will add acts as a ridge
    ridge = torch.exp(torch.tensor(_LOG_VARIANCE)) + _RIDGE
    square = near.T @ near + ridge * len(near) * torch.eye(near.shape[1])
    solved = torch.linalg.solve(square, near.T @ true)
    decoder.direct.weight.zero_()
    for k in range(3):
        part = solved[k * wanted : (k + 1) * wanted].T
        decoder.direct.weight[:, k * dims_all + dims] = _SHARPNESS * part


def _with_neighbours(latent: Tensor) -> Tensor:
    """(B, L, K) to (B * L, 3K): each frame between the one before and the one after."""
    padded = F.pad(latent, (0, 0, 1, 1))
    return torch.cat([padded[:, :-2], latent, padded[:, 2:]], dim=2).flatten(0, 1)
