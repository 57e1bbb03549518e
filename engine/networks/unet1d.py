"""A U-Net along time: strided down and up with skips, attention at the bottom.

Ronneberger et al. 2015 (arXiv 1505.04597), figure 1; residual blocks, conditions and attention as
in DDPM's (Ho et al. 2020, arXiv 2006.11239, appendix B), in one dimension, with FiLM and a norm of
each frame in place of group norm. The features are filled with zeros to a multiple of all strides,
and cut back at the end, so that any L >= 1 will do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import RecipeError
from engine.networks.conditioning import ConditionEmbedding, Film, FrameConditions
from engine.networks.interface import SEQUENCE, Conditions, NetworkInfo, refuse_causal
from engine.networks.layers import Conv, frame_norm
from engine.registry import Spec


@dataclass(frozen=True)
class Settings:
    """Size of the U-Net; level i has width * multipliers[i] channels."""

    width: int = 64
    multipliers: tuple[int, ...] = (1, 2, 4, 4)
    factors: tuple[int, ...] = (4, 4, 4)  # strides from each level to the next, one fewer
    blocks: int = 2  # of each level, on the way down and again on the way up
    heads: int = 4
    noise_scale: float = 1000.0  # of noise_cond; a recipe without it takes its framework's

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of every level, full rate first."""
        return tuple(self.width * m for m in self.multipliers)


class UNet1d(nn.Module):
    """F(x, noise_cond, cond): x (B, C, L), any L >= 1."""

    def __init__(self, settings: Settings, info: NetworkInfo) -> None:
        super().__init__()
        widths, embedding = settings.widths, 4 * settings.width
        self.multiple = math.prod(settings.factors)
        self.condition = ConditionEmbedding(embedding, info, settings.noise_scale)
        self.curves = FrameConditions(info.frame_channels, widths[0])
        self.inward = Conv(info.channels, widths[0], 3)
        self.down = nn.ModuleList(
            _Level(width, embedding, settings.blocks, merges=False) for width in widths[:-1]
        )
        self.up = nn.ModuleList(
            _Level(width, embedding, settings.blocks, merges=True) for width in widths[:-1]
        )
        steps = list(zip(widths[:-1], widths[1:], settings.factors, strict=True))
        self.shrink = nn.ModuleList(_Shrink(fast, slow, factor) for fast, slow, factor in steps)
        self.grow = nn.ModuleList(_Grow(slow, fast, factor) for fast, slow, factor in steps)
        self.bottom = _Level(widths[-1], embedding, settings.blocks, merges=False)
        self.attention = _Attention(widths[-1], settings.heads)
        self.bottom_again = _Level(widths[-1], embedding, settings.blocks, merges=False)
        self.outward = Conv(widths[0], info.answers, 3)

    def forward(self, x: Tensor, noise_cond: Tensor, cond: Conditions) -> Tensor:
        frames = x.shape[2]
        embedded = F.silu(self.condition(noise_cond, cond))
        h = self.curves(self.inward(x), cond.frames)
        h = F.pad(h, (0, -frames % self.multiple))
        skips = []
        for level, shrink in zip(self.down, self.shrink, strict=True):
            h = level(h, embedded)
            skips.append(h)
            h = shrink(h)
        h = self.bottom_again(self.attention(self.bottom(h, embedded)), embedded)
        for i in reversed(range(len(skips))):
            h = self.up[i](torch.cat((self.grow[i](h), skips[i]), dim=1), embedded)
        return self.outward(frame_norm(h[:, :, :frames]))


class _Level(nn.Module):
    """Residual blocks of one rate; ``merges``: takes (B, 2 W, L), the slower level and a skip."""

    def __init__(self, width: int, embedding: int, blocks: int, *, merges: bool) -> None:
        super().__init__()
        self.merge = nn.Conv1d(2 * width, width, 1) if merges else None
        self.blocks = nn.ModuleList(_Block(width, embedding) for _ in range(blocks))

    def forward(self, h: Tensor, embedded: Tensor) -> Tensor:
        if self.merge is not None:
            h = self.merge(h)
        for block in self.blocks:
            h = block(h, embedded)
        return h


class _Block(nn.Module):
    """h + conv(silu(film(norm(conv(silu(norm(h))))))): (B, W, L) to (B, W, L)."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.first = Conv(width, width, 3)
        self.film = Film(embedding, width)
        self.second = Conv(width, width, 3)

    def forward(self, h: Tensor, embedded: Tensor) -> Tensor:
        y = self.first(F.silu(frame_norm(h)))
        return h + self.second(F.silu(self.film(frame_norm(y), embedded)))


class _Shrink(nn.Module):
    """(B, C, factor * L) to (B, C', L); neighbouring windows overlap by half."""

    def __init__(self, inputs: int, outputs: int, factor: int) -> None:
        super().__init__()
        self.around = (factor // 2, factor - factor // 2)
        self.convolution = nn.Conv1d(inputs, outputs, 2 * factor, stride=factor)

    def forward(self, h: Tensor) -> Tensor:
        return self.convolution(F.pad(h, self.around))


class _Grow(nn.Module):
    """(B, C, L) to (B, C', factor * L): the transpose of _Shrink."""

    def __init__(self, inputs: int, outputs: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.convolution = nn.ConvTranspose1d(inputs, outputs, 2 * factor, stride=factor)

    def forward(self, h: Tensor) -> Tensor:
        before = self.factor // 2
        return self.convolution(h)[:, :, before : before + self.factor * h.shape[2]]


class _Attention(nn.Module):
    """h + attention(norm(h)) over all frames; positions are left to the convolutions."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Conv1d(width, 3 * width, 1)
        self.mixed = nn.Conv1d(width, width, 1)

    def forward(self, h: Tensor) -> Tensor:
        qkv = self.qkv(frame_norm(h)).unflatten(1, (3, self.heads, -1)).transpose(3, 4)
        heard = F.scaled_dot_product_attention(qkv[:, 0], qkv[:, 1], qkv[:, 2])
        return h + self.mixed(heard.transpose(2, 3).flatten(1, 2))


def build(settings: Settings, info: NetworkInfo) -> UNet1d:
    """Build the U-Net; RecipeError when its levels, strides and heads do not fit together."""
    refuse_causal("unet1d", info)
    if len(settings.factors) != len(settings.multipliers) - 1:
        raise RecipeError(
            f"network 'unet1d': {len(settings.multipliers)} multipliers and "
            f"{len(settings.factors)} factors; expected one factor fewer, the stride between levels"
        )
    if min(settings.factors, default=2) < 2:
        raise RecipeError(
            f"network 'unet1d': factors are {settings.factors}; expected strides of 2 or more"
        )
    if settings.widths[-1] % settings.heads:
        raise RecipeError(
            f"network 'unet1d': {settings.heads} heads do not divide the slowest level's "
            f"{settings.widths[-1]} channels; change heads, width or the last multiplier"
        )
    return UNet1d(settings, info)


SPEC = Spec(
    "unet1d",
    Settings,
    build,
    frozenset({SEQUENCE}),
    paper="Ronneberger et al. 2015 (arXiv 1505.04597), Ho et al. 2020 (arXiv 2006.11239)",
)
