"""PatchGAN: one score for every patch of a sequence or of a spectrum, none for the whole.

Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017 (arXiv
1611.07004), section 3.2 and appendix 6.1.2: strided convolutions, each with twice the channels up
to eight times, then one at stride 1. Odd kernels, so that any size >= 1 will do; batch norm, which
mixes the rows of a batch, gives way to weight norm, as is usual in audio.
"""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

_KERNEL = 5
_MOST = 8  # times as many channels as the first layer


class PatchDiscriminator(nn.Module):
    """Judges patches of (B, C, L) sequences: audio, latents; or of (B, C, bins, frames) spectra.

    axes: 1 for sequences, 2 for spectra. strided: layers that halve every axis. A patch is
    ``patch`` frames (and bins) long.
    """

    def __init__(self, channels: int, width: int = 64, strided: int = 3, *, axes: int = 1) -> None:
        super().__init__()
        assert axes in (1, 2), "sequences have one axis, spectra two"
        convolution = (nn.Conv1d, nn.Conv2d)[axes - 1]
        sizes = (channels, *(width * min(2**i, _MOST) for i in range(strided + 1)))
        self.layers = nn.ModuleList(
            weight_norm(
                convolution(a, b, _KERNEL, stride=2 if i < strided else 1, padding=_KERNEL // 2)
            )
            for i, (a, b) in enumerate(pairwise(sizes))
        )
        self.head = weight_norm(convolution(sizes[-1], 1, _KERNEL, padding=_KERNEL // 2))
        # Each layer adds kernel - 1 frames of its own rate; head and last layer run at the slowest.
        self.patch = 1 + (_KERNEL - 1) * (2**strided - 1 + 2 * 2**strided)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return (scores (B, 1, patches) or (B, 1, rows, columns), the layers' features)."""
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.head(x), features
