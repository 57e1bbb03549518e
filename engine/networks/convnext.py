"""ConvNeXt autoencoder between complex spectra and latents, with a Vocos-style spectrum head.

Vocos: Siuzdak 2023 (arXiv 2306.00814); ConvNeXt: Liu et al. 2022 (arXiv 2201.03545). Only real
tensors go in and out, so that both halves export to ONNX; the STFTs stay outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.autoencoder import Autoencoder
from engine.networks.interface import AUTOENCODER
from engine.networks.spectra import compressed, features, spectrum_of
from engine.registry import Spec


@dataclass(frozen=True)
class ConvNextSettings:
    """Sizes of the autoencoder. Depths and widths of the decoder go from slow to fast rate."""

    latent_dims: int = 64
    encoder_bins: int = 1025  # of the analysis STFT, two frames a latent frame
    encoder_width: int = 320
    encoder_depth: int = 3
    decoder_bins: int = 513  # of the synthesis STFT, four frames a latent frame
    decoder_widths: tuple[int, ...] = (384, 320, 256)
    decoder_depths: tuple[int, ...] = (3, 3, 3)
    expansion: int = 3
    kernel: int = 7
    direct_hz: float = 2000.0  # below, spectra also reach latents and back linearly
    nyquist_hz: float = 22_050.0


class Block(nn.Module):
    """Depthwise convolution, layer norm, pointwise expand-GELU-contract, scaled residual.

    Works on (B, L, C): the pointwise part is most of the arithmetic and wants channels last.
    """

    def __init__(self, width: int, expansion: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.expand = nn.Linear(width, width * expansion)
        self.contract = nn.Linear(width * expansion, width)
        self.scale = nn.Parameter(torch.full((width,), 0.2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, C) to (B, L, C)."""
        y = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        y = self.contract(F.gelu(self.expand(self.norm(y)), approximate="tanh"))
        return x + self.scale * y


class Encoder(nn.Module):
    """Analysis spectrum (B, 2, bins, 2L) to latent mean and log-variance, each (B, D, L)."""

    def __init__(self, s: ConvNextSettings) -> None:
        super().__init__()
        width = s.encoder_width
        self.project = nn.Linear(3 * s.encoder_bins, width)
        self.fast = nn.Sequential(*(Block(width, s.expansion, s.kernel) for _ in range(1)))
        self.merge = nn.Linear(2 * width, width)  # two analysis frames into one latent frame
        self.slow = nn.Sequential(
            *(Block(width, s.expansion, s.kernel) for _ in range(s.encoder_depth))
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, 2 * s.latent_dims)
        self.low = _low_bins(s, s.encoder_bins)
        self.direct = nn.Linear(4 * self.low, s.latent_dims, bias=False)

    def forward(self, spectrum: Tensor) -> tuple[Tensor, Tensor]:
        """Return (mean, log_variance), each (B, D, L) float32."""
        x = features(spectrum).transpose(1, 2)  # (B, 2L, 3 bins)
        x = self.fast(self.project(x))
        x = self.merge(x.reshape(x.shape[0], x.shape[1] // 2, 2 * x.shape[2]))
        x = self.head(self.norm(self.slow(x))).transpose(1, 2).float()
        mean, log_variance = x.chunk(2, dim=1)
        low, _ = compressed(spectrum[:, :, : self.low])
        low = low.flatten(1, 2).transpose(1, 2)
        low = low.reshape(low.shape[0], low.shape[1] // 2, 2 * low.shape[2])
        mean = mean + self.direct(low).transpose(1, 2).float()
        return mean, log_variance.clamp(-12.0, 4.0)


class Decoder(nn.Module):
    """Latents (B, D, L) to a synthesis spectrum (B, 2, bins, 4L).

    The head predicts a log-magnitude and a direction (see spectrum_of). A linear path beside the
    blocks, there and in the encoder, lets the phases of low tones be learnt soon.
    """

    def __init__(self, s: ConvNextSettings) -> None:
        super().__init__()
        self.bins = s.decoder_bins
        self.project = nn.Linear(3 * s.latent_dims, s.decoder_widths[0])
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width, s.expansion, s.kernel) for _ in range(depth)))
            for width, depth in zip(s.decoder_widths, s.decoder_depths, strict=True)
        )
        self.splits = nn.ModuleList(
            nn.Linear(a, 2 * b)
            for a, b in zip(s.decoder_widths[:-1], s.decoder_widths[1:], strict=True)
        )
        self.norm = nn.LayerNorm(s.decoder_widths[-1], eps=1e-6)
        self.head = nn.Linear(s.decoder_widths[-1], 3 * s.decoder_bins)
        self.low = _low_bins(s, s.decoder_bins)
        self.direct = nn.Linear(3 * s.latent_dims, 4 * 2 * self.low, bias=False)
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.bias[: s.decoder_bins] = -5.0

    def forward(self, latent: Tensor) -> Tensor:
        """Return the spectrum, float32, real and imaginary parts in channels 0 and 1."""
        padded = F.pad(latent, (1, 1))
        near = torch.cat([padded[..., :-2], latent, padded[..., 2:]], dim=1)
        near = near.transpose(1, 2)
        direct = self.direct(near).float()
        direct = direct.reshape(direct.shape[0], 4 * direct.shape[1], 2, self.low)
        direct = F.pad(direct.permute(2, 0, 3, 1), (0, 0, 0, self.bins - self.low))
        x = self.project(near)
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index < len(self.splits):
                x = self.splits[index](x)
                x = x.reshape(x.shape[0], 2 * x.shape[1], x.shape[2] // 2)
        out = self.head(self.norm(x)).transpose(1, 2).float()
        level, real, imaginary = out.split(self.bins, dim=1)
        return spectrum_of(
            level, real + direct[0], imaginary + direct[1], floored=not self.training
        )


class ConvNextAutoencoder(Autoencoder):
    """The ConvNeXt encoder and decoder as one network."""

    settings: ConvNextSettings
    encoder: Encoder
    decoder: Decoder

    def __init__(self, settings: ConvNextSettings) -> None:
        super().__init__(settings, Encoder(settings), Decoder(settings))


def _low_bins(s: ConvNextSettings, bins: int) -> int:
    """Number of bins below direct_hz."""
    return max(1, round((bins - 1) * s.direct_hz / s.nyquist_hz))


def build(settings: ConvNextSettings, info: Any) -> ConvNextAutoencoder:
    """Build the autoencoder; ``info`` plays no part, spectra have the settings' sizes."""
    return ConvNextAutoencoder(settings)


SPEC = Spec(
    "convnext",
    ConvNextSettings,
    build,
    frozenset({AUTOENCODER}),
    paper="Siuzdak 2023 (arXiv 2306.00814), Liu et al. 2022 (arXiv 2201.03545)",
)
