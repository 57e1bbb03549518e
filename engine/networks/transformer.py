"""A small bidirectional transformer over latent frames, conditioned by adaptive layer norms.

After DiT (Peebles & Xie 2023) with one modulation shared by all blocks (PixArt-alpha, Chen et al.
2023, sec. 2.3), rotary positions (Su et al. 2021) and normalised queries and keys (Dehghani et al.
2023). A frame's distance from the onset is given as well, in logarithmic time, since a one-shot's
attack stands at frame 0 and rotary positions know only differences.

Shapes: x (B, D, L); noise_cond (B,); the answer (B, D, L).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.networks.interface import SEQUENCE, Conditions, NetworkInfo
from engine.registry import Spec

TIME_FEATURES = 64
PLACE_FEATURES = 32
FRAMES_A_TURN = 10_000.0  # slowest rotary wavelength / 2 pi
TIME_SCALE = 1000.0  # sinusoids see t in 0..1 as 0..1000, as in DDPM


@dataclass(frozen=True)
class Settings:
    """Size of the transformer."""

    width: int = 256
    depth: int = 8
    heads: int = 4
    mlp_ratio: float = 3.0


class Transformer(nn.Module):
    """F(x, noise_cond, cond): x (B, D, L), any L >= 1."""

    def __init__(
        self, settings: Settings, latent_dims: int, categories: int, descriptors: int
    ) -> None:
        super().__init__()
        width = settings.width
        self.latent_dims = latent_dims
        self.head_dims = width // settings.heads
        self.inward = nn.Linear(latent_dims, width)
        self.place = nn.Linear(PLACE_FEATURES, width)
        self.condition = _ConditionEmbedding(width, categories, descriptors)
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(
            _Block(width, settings.heads, int(width * settings.mlp_ratio))
            for _ in range(settings.depth)
        )
        self.final_modulation = nn.Linear(width, 2 * width)
        self.outward = nn.Linear(width, latent_dims)
        for layer in (self.modulation, self.final_modulation, self.outward):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, noise_cond: Tensor, cond: Conditions) -> Tensor:
        frames = torch.arange(x.shape[2], device=x.device, dtype=torch.float32)
        embedded = F.silu(self.condition(noise_cond, cond))  # (B, W)
        shared = self.modulation(embedded).unflatten(1, (6, -1))  # (B, 6, W)
        turns = _rotary(frames, self.head_dims)
        h = self.inward(x.transpose(1, 2)) + self.place(_place_features(frames))  # (B, L, W)
        for block in self.blocks:
            h = block(h, shared, turns)
        final = self.final_modulation(embedded).unflatten(1, (2, 1, -1))  # (B, 2, 1, W)
        answer: Tensor = self.outward(_normalised(h) * (1.0 + final[:, 1]) + final[:, 0])
        return answer.transpose(1, 2)


class _ConditionEmbedding(nn.Module):
    """Sums what is known of time, category, descriptors and guidance into one vector (B, W)."""

    def __init__(self, width: int, categories: int, descriptors: int) -> None:
        super().__init__()
        self.time = _perceptron(TIME_FEATURES, width)
        self.category = nn.Embedding(categories + 1, width)  # row 0 = any
        self.descriptors = _perceptron(3 * descriptors, width)
        self.guidance = _perceptron(2, width)
        nn.init.normal_(self.category.weight, std=0.02)
        for parameter in self.guidance[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, t: Tensor, cond: Conditions) -> Tensor:
        absent = torch.isnan(cond.descriptors)
        centred = torch.where(absent, torch.zeros_like(cond.descriptors), cond.descriptors * 2 - 1)
        present = 1.0 - absent.to(centred.dtype)
        measured = torch.cat((centred, centred * centred * present, present), dim=1)
        pull = torch.log(cond.guidance).unsqueeze(1)
        total: Tensor = (
            self.time(_sinusoids(t * TIME_SCALE, TIME_FEATURES))
            + self.category(cond.category + 1)
            + self.descriptors(measured)
            + self.guidance(torch.cat((pull, pull * pull), dim=1))
        )
        return total


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

    def forward(self, h: Tensor, shared: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        m = (shared + self.own).unsqueeze(2)  # shift, scale, gate; twice: (B, 6, 1, W)
        heard = self._attend(_normalised(h) * (1.0 + m[:, 1]) + m[:, 0], turns)
        h = h + m[:, 2] * heard
        hidden = F.gelu(self.up(_normalised(h) * (1.0 + m[:, 4]) + m[:, 3]), approximate="tanh")
        return h + m[:, 5] * self.down(hidden)

    def _attend(self, h: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        qkv = self.qkv(h).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        v = qkv[2]  # as q and k: (B, H, L, head_dims)
        q, k = _turned(_unit(qkv[0]), turns), _turned(_unit(qkv[1]), turns)
        weights = torch.softmax(q @ k.transpose(2, 3) * self.head_scale, dim=-1)
        heard = weights.to(v.dtype) @ v  # spelled out: faster than the fused kernel at L < 200
        mixed: Tensor = self.mixed(heard.transpose(1, 2).flatten(2))
        return mixed


def _perceptron(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width))


def _normalised(h: Tensor) -> Tensor:
    return F.layer_norm(h, (h.shape[-1],))


def _unit(h: Tensor) -> Tensor:
    """Root-mean-square 1 over a head's dimensions."""
    return h * torch.rsqrt(h.square().mean(dim=-1, keepdim=True) + 1e-6)


def _sinusoids(value: Tensor, features: int) -> Tensor:
    """(B,) -> (B, features): cosines and sines at wavelengths from 2 pi to 10 000 * 2 pi."""
    half = features // 2
    ladder = torch.arange(half, dtype=torch.float32, device=value.device)
    rates = torch.exp(ladder * (-math.log(10_000.0) / half))
    angle = value.unsqueeze(1) * rates
    return torch.cat((angle.cos(), angle.sin()), dim=1)


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
    """Build the transformer for latents of info.channels dimensions."""
    return Transformer(settings, info.channels, len(info.categories), len(info.descriptors))


SPEC = Spec("transformer", Settings, build, frozenset({SEQUENCE}))
