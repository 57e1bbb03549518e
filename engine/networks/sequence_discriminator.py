"""A patch discriminator of sequences that is told what each should be.

The category's score is the inner product of its embedding with the last features: the projection
discriminator of Miyato and Koyama 2018 (arXiv 1802.05637), equation 3, for every patch. How much
the features differ between the rows of a batch counts too, against made things that are all alike
(Karras et al. 2018, arXiv 1710.10196, section 3). Audio can be judged as STFT frames: patches of
time that hear every frequency.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.patch_discriminator import PatchDiscriminator
from engine.networks.spectra import features
from engine.stft import Stft


class SequenceDiscriminator(nn.Module):
    """Scores (B, 1, patches) of what ``seen`` makes of x (B, C, L), for categories (B,)."""

    def __init__(self, channels: int, categories: int, width: int, strided: int, stft: int) -> None:
        """stft: FFT size of the frames to judge (C is 1 then), 0 = x as it is."""
        super().__init__()
        self.stft = Stft(stft, stft // 2) if stft else None
        judged = 3 * self.stft.bins if self.stft else channels
        self.patches = PatchDiscriminator(judged, width, strided)
        last = width * min(2**strided, 8)
        self.category = nn.Embedding(categories + 1, last)  # row 0 = unknown
        nn.init.zeros_(self.category.weight)
        self.spread = nn.Linear(last, 1, bias=False)

    def seen(self, x: Tensor) -> Tensor:
        """What is judged: x itself, or its STFT frames' features (B, 3 bins, frames)."""
        if self.stft is None:
            return x
        padded = F.pad(x[:, 0], (0, -x.shape[-1] % self.stft.hop))
        return features(self.stft.forward(padded))

    def forward(self, seen: Tensor, category: Tensor) -> Tensor:
        scores, layers = self.patches(seen)
        told = self.category(category + 1).unsqueeze(2) * layers[-1]
        # the small number keeps the slope finite where all rows are alike
        apart = torch.sqrt(layers[-1].var(dim=0, unbiased=False) + 1e-6).mean(dim=1)
        return scores + told.sum(dim=1, keepdim=True) + self.spread(apart)
