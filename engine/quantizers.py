"""Vector quantisation: latents become indices into learned tables, in one or several stages.

| paper                                             | here                                     |
|---------------------------------------------------|------------------------------------------|
| z_e, e_k, z_q (van den Oord et al. 2017)          | latent, codebook.vectors[k], .latent     |
| straight-through gradient, section 3.1            | Quantized.latent                         |
| beta ||z_e - sg[e]||^2, equation 3                | beta x Quantized.commitment              |
| N_i, m_i, gamma (2017, A.1; Razavi et al. 2019)   | codebook.uses, .sums, settings.decay     |
| residual stages (Zeghidour et al. 2021, alg. 1)   | ResidualQuantizer, settings.codebooks    |

Unlike Razavi et al. a code that nothing chose keeps its place (no Laplace smoothing) until it
counts as dead and is put on a random input vector (Zeghidour et al. 2021, III-C). Codebooks learn
by moving averages alone, never by gradients. Codes are (B, K, L) int64 in 0..N-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

_FIT_ROUNDS = 10  # of k-means
_UNUSED = 1e-6  # moving count below which sums / uses says nothing


@dataclass(frozen=True)
class QuantizerSettings:
    """Sizes of the codebooks and how they learn."""

    codebooks: int = 1  # K: residual stages
    codes: int = 512  # N: vectors a codebook
    decay: float = 0.99  # of the moving averages
    revive_below: float = 0.05  # of a fair share of uses; 0 = dead codes stay dead


class Quantized(NamedTuple):
    """latent: (B, D, L) of code vectors, its gradient that of the input. codes: (B, K, L).

    commitment: mean squared distance of the input from its vectors, over all stages; scalar.
    """

    latent: Tensor
    codes: Tensor
    commitment: Tensor


class Codebook(nn.Module):
    """One table of vectors (N, D), with moving counts and sums of what chose each."""

    vectors: Tensor
    uses: Tensor
    sums: Tensor

    def __init__(self, settings: QuantizerSettings, dims: int) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("vectors", torch.randn(settings.codes, dims))
        self.register_buffer("uses", torch.ones(settings.codes))  # a batch, on average
        self.register_buffer("sums", self.vectors.clone())

    @torch.no_grad()
    def nearest(self, x: Tensor) -> Tensor:
        """Index of the vector nearest to each row of x (M, D): (M,) int64; ties to the lowest."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            distance = self.vectors.square().sum(1) - 2.0 * (x @ self.vectors.T)
            return distance.argmin(dim=1)

    @torch.no_grad()
    def learn(self, x: Tensor, codes: Tensor, generator: torch.Generator) -> None:
        """Move the averages by one batch x (M, D) that chose ``codes`` (M,); revive dead codes."""
        s, x = self.settings, x.float()
        counts, totals = _counted(x, codes, s.codes)
        self.uses.mul_(s.decay).add_(counts, alpha=1 - s.decay)
        self.sums.mul_(s.decay).add_(totals, alpha=1 - s.decay)
        known = (self.uses > _UNUSED)[:, None]
        self.vectors.copy_(torch.where(known, self.sums / self.uses[:, None], self.vectors))
        # drawn always, so that later draws do not depend on what died
        rows = torch.randint(len(x), (s.codes,), generator=generator, device=generator.device)
        share = self.uses.mean()
        dead = self.uses < s.revive_below * share
        self._put(dead, x[rows.to(x.device)], share)

    @torch.no_grad()
    def fit(self, x: Tensor, generator: torch.Generator) -> None:
        """Begin with the means of k-means clusters of x (M, D), M >= 1."""
        x = x.float()
        every = torch.ones(self.settings.codes, dtype=torch.bool, device=x.device)
        rows = torch.randperm(len(x), generator=generator, device=generator.device)
        rows = rows.repeat(-(-self.settings.codes // len(x)))[: self.settings.codes]
        self._put(every, x[rows.to(x.device)], torch.ones_like(self.uses[0]))
        for _ in range(_FIT_ROUNDS):
            counts, totals = _counted(x, self.nearest(x), self.settings.codes)
            means = totals / counts.clamp(min=1.0)[:, None]
            self._put(counts > 0, means, torch.ones_like(self.uses[0]))

    def perplexity(self) -> Tensor:
        """exp of the entropy of the moving counts: 1 (one code used) to N (all alike)."""
        share = self.uses / self.uses.sum()
        return torch.exp(-(share * share.clamp(min=1e-12).log()).sum())

    def used(self) -> Tensor:
        """Share of the codes that are used at least a hundredth as often as on average."""
        return (self.uses > 0.01 * self.uses.mean()).float().mean()

    def _put(self, which: Tensor, vectors: Tensor, uses: Tensor) -> None:
        """Set the codes ``which`` (N,) bool to ``vectors`` (N, D), as if used so often."""
        self.vectors.copy_(torch.where(which[:, None], vectors, self.vectors))
        self.uses.copy_(torch.where(which, uses, self.uses))
        self.sums.copy_(torch.where(which[:, None], vectors * uses, self.sums))


class ResidualQuantizer(nn.Module):
    """K codebooks; each quantises what those before left over. K = 1 is plain quantisation."""

    def __init__(self, settings: QuantizerSettings, dims: int) -> None:
        super().__init__()
        self.settings = settings
        self.stages = nn.ModuleList(Codebook(settings, dims) for _ in range(settings.codebooks))

    def forward(self, latent: Tensor) -> Quantized:
        """Quantise (B, D, L)."""
        x = _rows(latent)
        left, codes, distances = x, [], []
        for stage in self.stages:
            assert isinstance(stage, Codebook)
            codes.append(stage.nearest(left))
            left = left - stage.vectors[codes[-1]]
            distances.append(left.square().mean())
        through = x - left.detach()  # value: the sum of vectors; gradient: the input's
        shape = latent.shape[0], latent.shape[2]
        return Quantized(
            through.reshape(*shape, -1).transpose(1, 2),
            torch.stack([c.reshape(shape) for c in codes], dim=1),
            torch.stack(distances).mean(),
        )

    def decode(self, codes: Tensor) -> Tensor:
        """(B, K', L) codes of the first K' <= K stages to their latent (B, D, L)."""
        found = [self._stage(k).vectors[codes[:, k]] for k in range(codes.shape[1])]
        return torch.stack(found).sum(0).transpose(1, 2)

    @torch.no_grad()
    def learn(self, latent: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Move all codebooks by the batch (B, D, L); return "perplexity" and "used", averaged."""
        left = _rows(latent)
        for k in range(len(self.stages)):
            stage = self._stage(k)
            codes = stage.nearest(left)
            after = left - stage.vectors[codes]
            stage.learn(left, codes, generator)
            left = after
        stages = [self._stage(k) for k in range(len(self.stages))]
        return {
            "perplexity": torch.stack([stage.perplexity() for stage in stages]).mean(),
            "used": torch.stack([stage.used() for stage in stages]).mean(),
        }

    @torch.no_grad()
    def fit(self, latent: Tensor, generator: torch.Generator) -> None:
        """Begin all codebooks with k-means of (B, D, L)."""
        left = _rows(latent)
        for k in range(len(self.stages)):
            stage = self._stage(k)
            stage.fit(left, generator)
            left = left - stage.vectors[stage.nearest(left)]

    def _stage(self, k: int) -> Codebook:
        stage = self.stages[k]
        assert isinstance(stage, Codebook)
        return stage


def _rows(latent: Tensor) -> Tensor:
    """(B, D, L) to (B L, D) float32."""
    return latent.transpose(1, 2).flatten(0, 1).float()


def _counted(x: Tensor, codes: Tensor, total: int) -> tuple[Tensor, Tensor]:
    """How many rows of x (M, D) chose each code (total,), and their sums (total, D)."""
    counts = torch.bincount(codes, minlength=total).to(x.dtype)
    sums = x.new_zeros(total, x.shape[1]).index_add_(0, codes, x)
    return counts, sums
