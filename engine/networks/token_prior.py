"""Next-code prediction by any causal sequence network, for one or several codebooks.

Stage k of frame l is predicted at position l + k, from all codes of earlier positions: the delay
pattern of Copet et al. 2023 (arXiv 2306.05284), section 2.2. So a stage knows the coarser stages
of its own frame, and one network call tells one code of every stage. With K = 1 this is plain
next-token prediction. Code N, one more than the codebook holds, is the start and the filling.

Shapes: codes (B, K, L) in 0..N-1; positions P = L + K - 1; delayed codes (B, K, P) in 0..N.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.interface import Conditions, NetworkBuilder, NetworkInfo


class TokenPrior(nn.Module):
    """Embeds codes, lets the network hear them, and answers with logits of the next ones."""

    def __init__(
        self, make: NetworkBuilder, shapes: NetworkInfo, codebook_size: int, width: int
    ) -> None:
        """shapes: channels K, frames L and the conditions; width: channels the network works on."""
        super().__init__()
        self.codebooks, self.codebook_size = shapes.channels, codebook_size
        self.embed = nn.ModuleList(
            nn.Embedding(codebook_size + 1, width) for _ in range(self.codebooks)
        )
        self.network = make(
            NetworkInfo(
                width, shapes.categories, shapes.descriptors, frame_channels=shapes.frame_channels,
                frames=shapes.frames + self.codebooks - 1 if shapes.frames else 0, causal=True,
            )
        )  # fmt: skip
        self.head = nn.Linear(width, self.codebooks * codebook_size)
        nn.init.zeros_(self.head.bias)

    def forward(self, codes: Tensor, cond: Conditions) -> Tensor:
        """Logits (B, K, N, L) of every code of ``codes`` (B, K, L), given those before it."""
        before = F.pad(self.delayed(codes), (1, 0), value=self.codebook_size)[:, :, :-1]
        return self.undelayed(self.logits(before, cond))

    def logits(self, before: Tensor, cond: Conditions) -> Tensor:
        """(B, K, P) delayed codes, each position's predecessors, to logits (B, K, N, P)."""
        x = self._embedded(before)
        return self._answer(x + self.network(x, x.new_zeros(x.shape[0]), cond))

    @property
    def steps(self) -> bool:
        """Whether ``step`` is there: the network keeps what it has heard."""
        return hasattr(self.network, "step")

    def step(self, before: Tensor, cond: Conditions, state: Any = None) -> tuple[Tensor, Any]:
        """As ``logits`` for the next positions alone; state: what the last call returned."""
        x = self._embedded(before)
        network: Any = self.network
        answer, state = network.step(x, x.new_zeros(x.shape[0]), cond, state)
        return self._answer(x + answer), state

    def delayed(self, codes: Tensor) -> Tensor:
        """(B, K, L) to (B, K, P), stage k moved k positions back, filled with N."""
        rows = [
            F.pad(codes[:, k], (k, self.codebooks - 1 - k), value=self.codebook_size)
            for k in range(self.codebooks)
        ]
        return torch.stack(rows, dim=1)

    def undelayed(self, delayed: Tensor) -> Tensor:
        """(B, K, ..., P) to (B, K, ..., L): the inverse of ``delayed`` along the last axis."""
        length = delayed.shape[-1] - self.codebooks + 1
        rows = [delayed[:, k, ..., k : k + length] for k in range(self.codebooks)]
        return torch.stack(rows, dim=1)

    def _embedded(self, codes: Tensor) -> Tensor:
        """(B, K, P) to (B, width, P): the sum over stages."""
        found = [table(codes[:, k]) for k, table in enumerate(self.embed)]
        return torch.stack(found).sum(0).transpose(1, 2)

    def _answer(self, x: Tensor) -> Tensor:
        logits = self.head(x.transpose(1, 2)).float()  # (B, P, K N)
        shaped: Tensor = logits.unflatten(2, (self.codebooks, -1)).permute(0, 2, 3, 1)
        return shaped
