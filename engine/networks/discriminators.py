"""Multi-resolution STFT discriminator, light enough to train on a CPU.

After Défossez et al. 2022 (arXiv 2210.13438) and Jang et al. 2021 (arXiv 2106.07889): one small
stack of 2-D convolutions a resolution, over compressed complex spectra.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from engine.stft import Stft

RESOLUTIONS = ((256, 128), (1024, 512), (2048, 1024))


class StftDiscriminator(nn.Module):
    """Judges (B, T) audio in one resolution; frequency is strided away, time is kept."""

    def __init__(self, n_fft: int, hop: int, width: int) -> None:
        super().__init__()
        self.stft = Stft(n_fft, hop)
        sizes = (3, width, width, 2 * width, 2 * width)
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (7, 3), stride=(3, 1), padding=(3, 1)))
            for a, b in pairwise(sizes)
        )
        self.head = weight_norm(nn.Conv2d(sizes[-1], 1, (3, 3), padding=(1, 1)))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return (scores (B, 1, bands, frames), the layers' features)."""
        spectrum = self.stft.forward(F.pad(audio, (0, -audio.shape[-1] % self.stft.hop)))
        magnitude = torch.sqrt(spectrum.square().sum(1, keepdim=True) + 1e-8)
        compressed = spectrum / torch.sqrt(magnitude)
        level = (torch.log(magnitude + 1e-4) + 5.0) / 4.0
        x = torch.cat([compressed, level], dim=1)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
            features.append(x)
        return self.head(x), features


class MultiStftDiscriminator(nn.Module):
    """One StftDiscriminator a resolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(StftDiscriminator(n, hop, width) for n, hop in RESOLUTIONS)

    def forward(self, audio: Tensor, which: Sequence[int]) -> list[tuple[Tensor, list[Tensor]]]:
        """Return scores and features of the resolutions ``which`` for (B, T) audio."""
        return [self.parts[i](audio) for i in which]
