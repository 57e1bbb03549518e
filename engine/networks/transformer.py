"""A small transformer over frames, bidirectional or causal, conditioned by adaptive layer norms.

After DiT (Peebles & Xie 2023) with one modulation shared by all blocks (PixArt-alpha, Chen et al.
2023, sec. 2.3), rotary positions (Su et al. 2021) and normalised queries and keys (Dehghani et al.
2023). A frame's distance from the onset is given as well, in logarithmic time, since a one-shot's
attack stands at frame 0 and rotary positions know only differences.

Shapes: x (B, C, L); noise_cond (B,); the answer (B, C_out, L). Built causal, it also goes on from
a state frame by frame (``step``), which holds every block's keys and values so far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import RecipeError
from engine.networks.conditioning import ConditionEmbedding, FrameConditions
from engine.networks.interface import CAUSAL, SEQUENCE, STEPPING, Conditions, NetworkInfo
from engine.registry import Spec

PLACE_FEATURES = 32
FRAMES_A_TURN = 10_000.0  # slowest rotary wavelength / 2 pi


@dataclass(frozen=True)
class Settings:
    """Size of the transformer."""

    width: int = 256
    depth: int = 8
    heads: int = 4
    mlp_ratio: float = 3.0
    noise_scale: float = 1000.0  # of noise_cond; a recipe without it takes its framework's


class Heard(NamedTuple):
    """A block's keys and values of all frames so far, each (B, heads, frames, head_dims)."""

    keys: Tensor
    values: Tensor

    def then(self, k: Tensor, v: Tensor) -> Heard:
        """These and the next frames'."""
        return Heard(torch.cat((self.keys, k), dim=2), torch.cat((self.values, v), dim=2))


State = tuple[Heard, ...]
"""What ``step`` goes on from: one Heard a block."""


class Transformer(nn.Module):
    """F(x, noise_cond, cond): x (B, C, L), any L >= 1."""

    def __init__(self, settings: Settings, info: NetworkInfo) -> None:
        super().__init__()
        width = settings.width
        self.causal = info.causal
        self.head_dims = width // settings.heads
        self.inward = nn.Linear(info.channels, width)
        self.place = nn.Linear(PLACE_FEATURES, width)
        self.condition = ConditionEmbedding(width, info, settings.noise_scale)
        self.curves = FrameConditions(info.frame_channels, width)
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(
            _Block(width, settings.heads, int(width * settings.mlp_ratio))
            for _ in range(settings.depth)
        )
        self.final_modulation = nn.Linear(width, 2 * width)
        self.outward = nn.Linear(width, info.answers)
        for layer in (self.modulation, self.final_modulation, self.outward):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

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
                "this transformer was built for whole sequences (causal = False) and cannot go "
                "frame by frame; build it with causal = True and train it so"
            )
        return self._answer(x, noise_cond, cond, state or ())

    def _answer(
        self, x: Tensor, noise_cond: Tensor, cond: Conditions, state: State
    ) -> tuple[Tensor, State]:
        known = state[0].keys.shape[2] if state else 0  # frames
        frames = torch.arange(known, known + x.shape[2], device=x.device, dtype=torch.float32)
        embedded = F.silu(self.condition(noise_cond, cond))  # (B, W)
        shared = self.modulation(embedded).unflatten(1, (6, -1))  # (B, 6, W)
        turns = _rotary(frames, self.head_dims)
        hidden = _later(x.shape[2], known, x.device) if self.causal else None
        h = self.inward(x.transpose(1, 2)) + self.place(_place_features(frames))  # (B, L, W)
        h = self.curves(h.transpose(1, 2), cond.frames).transpose(1, 2)
        after = []
        for index, block in enumerate(self.blocks):
            h, heard = block(h, shared, turns, hidden, state[index] if state else None)
            after.append(heard)
        final = self.final_modulation(embedded).unflatten(1, (2, 1, -1))  # (B, 2, 1, W)
        answer: Tensor = self.outward(_normalised(h) * (1.0 + final[:, 1]) + final[:, 0])
        return answer.transpose(1, 2), tuple(after)


class _Block(nn.Module):
    """Attention, then a perceptron; each scaled, shifted and gated by the conditions."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.head_scale = (width // heads) ** -0.5
        self.own = nn.Parameter(torch.randn(6, width) * 0.02)  # this block's share of modulation
        self.qkv = nn.Linear(width, 3 * width)
        self.mixed = nn.Linear(width, width)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)
        with torch.no_grad():
            self.own[2].zero_()  # both gates begin closed: the block is the identity
            self.own[5].zero_()

    def forward(
        self,
        h: Tensor,
        shared: Tensor,
        turns: tuple[Tensor, Tensor],
        hidden: Tensor | None,
        before: Heard | None,
    ) -> tuple[Tensor, Heard]:
        m = (shared + self.own).unsqueeze(2)  # shift, scale, gate; twice: (B, 6, 1, W)
        modulated = _normalised(h) * (1.0 + m[:, 1]) + m[:, 0]
        answer, heard = self._attend(modulated, turns, hidden, before)
        h = h + m[:, 2] * answer
        inner = F.gelu(self.up(_normalised(h) * (1.0 + m[:, 4]) + m[:, 3]), approximate="tanh")
        return h + m[:, 5] * self.down(inner), heard

    def _attend(
        self,
        h: Tensor,
        turns: tuple[Tensor, Tensor],
        hidden: Tensor | None,
        before: Heard | None,
    ) -> tuple[Tensor, Heard]:
        qkv = self.qkv(h).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        v = qkv[2]  # as q and k: (B, H, L, head_dims)
        q, k = _turned(_unit(qkv[0]), turns), _turned(_unit(qkv[1]), turns)
        heard = Heard(k, v) if before is None else before.then(k, v)
        scores = q @ heard.keys.transpose(2, 3) * self.head_scale
        if hidden is not None:
            scores = scores.masked_fill(hidden, -math.inf)
        weights = torch.softmax(scores, dim=-1)
        # spelled out: faster than the fused kernel at L < 200
        mixed: Tensor = self.mixed((weights.to(v.dtype) @ heard.values).transpose(1, 2).flatten(2))
        return mixed, heard


def _later(frames: int, known: int, device: torch.device) -> Tensor:
    """(frames, known + frames) bool: True where the key's frame comes after the query's."""
    everything = torch.ones(frames, known + frames, dtype=torch.bool, device=device)
    return everything.triu(known + 1)


def _normalised(h: Tensor) -> Tensor:
    return F.layer_norm(h, (h.shape[-1],))


def _unit(h: Tensor) -> Tensor:
    """Root-mean-square 1 over a head's dimensions."""
    return h * torch.rsqrt(h.square().mean(dim=-1, keepdim=True) + 1e-6)


def _place_features(frames: Tensor) -> Tensor:
    """(L,) frame numbers -> (L, PLACE_FEATURES): sinusoids of log(1 + frame)."""
    rates = torch.arange(1, PLACE_FEATURES // 2 + 1, dtype=torch.float32, device=frames.device)
    angle = torch.log1p(frames).unsqueeze(1) * rates * (math.pi / 6.5)  # log(1 + 12 s) < 6.5
    return torch.cat((angle.cos(), angle.sin()), dim=1)


def _rotary(frames: Tensor, head_dims: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (L, head_dims / 2) of every frame's rotation."""
    ladder = torch.arange(head_dims // 2, dtype=torch.float32, device=frames.device)
    rates = torch.exp(ladder * (-math.log(FRAMES_A_TURN) * 2 / head_dims))
    angle = frames.unsqueeze(1) * rates
    return angle.cos(), angle.sin()


def _turned(h: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """Rotates the pairs (first half, second half) of (B, H, L, head_dims)."""
    cosine, sine = turns
    half = h.shape[-1] // 2
    a, b = h[..., :half], h[..., half:]
    return torch.cat((a * cosine - b * sine, b * cosine + a * sine), dim=-1)


def build(settings: Settings, info: NetworkInfo) -> Transformer:
    """Build the transformer; RecipeError when the heads do not divide its width evenly."""
    if settings.width % (2 * settings.heads):
        raise RecipeError(
            f"transformer of width {settings.width} with {settings.heads} heads: rotary positions "
            f"turn pairs, so width must be a multiple of {2 * settings.heads}; change one of them"
        )
    return Transformer(settings, info)


SPEC = Spec(
    "transformer",
    Settings,
    build,
    frozenset({SEQUENCE, CAUSAL, STEPPING}),
    paper="Peebles & Xie 2023 (arXiv 2212.09748), Su et al. 2021 (arXiv 2104.09864)",
)
