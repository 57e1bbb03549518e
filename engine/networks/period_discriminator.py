"""Multi-period discriminator: audio folded to rows of a period, judged down each column.

Kong, Kim & Bae, "HiFi-GAN", NeurIPS 2020 (arXiv 2010.05646), section 2.3. Columns never mix, so
each hears every p-th sample; primes overlap as little as can be. Called as the discriminators of
engine.networks.discriminators are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

PERIODS = (2, 3, 5, 7, 11)
WIDTH = 32  # the paper's; the layers have 1, 4, 16, 32 and 32 times as many channels


class PeriodDiscriminator(nn.Module):
    """Judges (B, T) audio, any T >= 1, in rows of ``period`` samples."""

    def __init__(self, period: int, width: int = WIDTH) -> None:
        super().__init__()
        self.period = period
        sizes = (1, *(width * times for times in (1, 4, 16, 32, 32)))
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (5, 1), stride=(3 if i < 4 else 1, 1), padding=(2, 0)))
            for i, (a, b) in enumerate(pairwise(sizes))
        )
        self.head = weight_norm(nn.Conv2d(sizes[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return (scores (B, 1, rows, period), the layers' features)."""
        whole = F.pad(audio.unsqueeze(1), (0, -audio.shape[-1] % self.period), mode="replicate")
        x = whole.unflatten(2, (-1, self.period))
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
            features.append(x)
        return self.head(x), features


class MultiPeriodDiscriminator(nn.Module):
    """One PeriodDiscriminator a period."""

    def __init__(self, width: int = WIDTH, periods: Sequence[int] = PERIODS) -> None:
        super().__init__()
        self.parts = nn.ModuleList(PeriodDiscriminator(period, width) for period in periods)

    def forward(self, audio: Tensor, which: Sequence[int]) -> list[tuple[Tensor, list[Tensor]]]:
        """Return scores and features of the periods ``which`` for (B, T) audio."""
        return [self.parts[i](audio) for i in which]
