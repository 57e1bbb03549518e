"""Gated recurrent layers with residual connections, in both directions or causal.

GRU: Cho et al. 2014 (arXiv 1406.1078), equations 5 to 8; both directions: Schuster & Paliwal 1997.
Causal, a frame costs the same however many came before: ``step`` goes on from the layers' states.
torch's ONNX exporter unrolls a GRU, so a graph of this network has the length it was exported at.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import RecipeError
from engine.networks.conditioning import ConditionEmbedding, Film, FrameConditions
from engine.networks.interface import CAUSAL, SEQUENCE, STEPPING, UNROLLED, Conditions, NetworkInfo
from engine.networks.layers import frame_norm
from engine.registry import Spec


@dataclass(frozen=True)
class Settings:
    """Size of the recurrent network."""

    width: int = 256
    depth: int = 3
    noise_scale: float = 1000.0  # of noise_cond; a recipe without it takes its framework's


State = tuple[Tensor, ...]
"""What ``step`` goes on from: each layer's hidden state (1, B, W)."""


class Rnn(nn.Module):
    """F(x, noise_cond, cond): x (B, C, L), any L >= 1."""

    def __init__(self, settings: Settings, info: NetworkInfo) -> None:
        super().__init__()
        width = settings.width
        self.causal = info.causal
        self.inward = nn.Conv1d(info.channels, width, 1)
        self.condition = ConditionEmbedding(width, info, settings.noise_scale)
        self.curves = FrameConditions(info.frame_channels, width)
        self.layers = nn.ModuleList(_Layer(width, info.causal) for _ in range(settings.depth))
        self.outward = nn.Conv1d(width, info.answers, 1)

    def forward(self, x: Tensor, noise_cond: Tensor, cond: Conditions) -> Tensor:
        return self._answer(x, noise_cond, cond, ())[0]

    def step(
        self, x: Tensor, noise_cond: Tensor, cond: Conditions, state: State | None = None
    ) -> tuple[Tensor, State]:
        """The answer to the next frames x (B, C, n), n >= 1, and the state after them.

        With the same conditions throughout, the answers are those of ``forward`` on all frames.
        cond.frames: those that belong to x alone. Raises RecipeError unless built causal.
        """
        if not self.causal:
            raise RecipeError(
                "this rnn hears both directions (causal = False) and cannot go frame by frame; "
                "build it with causal = True and train it so"
            )
        return self._answer(x, noise_cond, cond, state or ())

    def _answer(
        self, x: Tensor, noise_cond: Tensor, cond: Conditions, state: State
    ) -> tuple[Tensor, State]:
        embedded = F.silu(self.condition(noise_cond, cond))
        h = self.curves(self.inward(x), cond.frames)
        after = []
        for index, layer in enumerate(self.layers):
            h, last = layer(h, embedded, state[index] if state else None)
            after.append(last)
        return self.outward(frame_norm(h)), tuple(after)


class _Layer(nn.Module):
    """h + gru(film(norm(h))): (B, W, L) and the state before to (B, W, L) and the state after."""

    def __init__(self, width: int, causal: bool) -> None:
        super().__init__()
        self.film = Film(width, width)
        own = width if causal else width // 2
        self.gru = nn.GRU(width, own, batch_first=True, bidirectional=not causal)

    def forward(self, h: Tensor, embedded: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        y = self.film(frame_norm(h), embedded).transpose(1, 2)
        y, after = self.gru(y, before)
        return h + y.transpose(1, 2), after


def build(settings: Settings, info: NetworkInfo) -> Rnn:
    """Build the network; RecipeError when two directions cannot share the width."""
    if settings.width % 2 and not info.causal:
        raise RecipeError(
            f"network 'rnn': width is {settings.width}, but each direction has half of it; use an "
            "even width, or causal = True"
        )
    return Rnn(settings, info)


SPEC = Spec(
    "rnn",
    Settings,
    build,
    frozenset({SEQUENCE, CAUSAL, STEPPING, UNROLLED}),
    paper="Cho et al. 2014 (arXiv 1406.1078)",
)
