"""A stack of dilated convolutional residual blocks at full rate, bidirectional or causal.

Residual learning: He et al. 2016 (arXiv 1512.03385), y = x + F(x). The block is ConvNeXt's (Liu et
al. 2022, arXiv 2201.03545, figure 4): depthwise convolution, layer norm, expand, GELU, contract;
here dilated as in van den Oord et al. 2016 (arXiv 1609.03499), and its norm's scale and shift are
FiLM's. A frame hears ``reach`` frames on each side, or twice that before it when causal.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import RecipeError
from engine.networks.conditioning import ConditionEmbedding, Film, FrameConditions
from engine.networks.interface import CAUSAL, SEQUENCE, Conditions, NetworkInfo
from engine.networks.layers import Conv, frame_norm
from engine.registry import Spec


@dataclass(frozen=True)
class Settings:
    """Size of the stack."""

    width: int = 256
    depth: int = 12
    kernel: int = 7
    dilations: tuple[int, ...] = (1, 2, 4, 8)  # of the blocks in turn
    expansion: int = 3
    noise_scale: float = 1000.0  # of noise_cond; a recipe without it takes its framework's

    @property
    def reach(self) -> int:
        """Frames that an answer hears on each side of its own."""
        spread = (self.dilations[i % len(self.dilations)] for i in range(self.depth))
        return sum(spread) * (self.kernel // 2)


class ResNet1d(nn.Module):
    """F(x, noise_cond, cond): x (B, C, L), any L >= 1."""

    def __init__(self, settings: Settings, info: NetworkInfo) -> None:
        super().__init__()
        width = settings.width
        self.inward = nn.Conv1d(info.channels, width, 1)
        self.condition = ConditionEmbedding(width, info, settings.noise_scale)
        self.curves = FrameConditions(info.frame_channels, width)
        self.blocks = nn.ModuleList(
            _Block(settings, settings.dilations[i % len(settings.dilations)], info.causal)
            for i in range(settings.depth)
        )
        self.outward = nn.Conv1d(width, info.answers, 1)

    def forward(self, x: Tensor, noise_cond: Tensor, cond: Conditions) -> Tensor:
        embedded = F.silu(self.condition(noise_cond, cond))
        h = self.curves(self.inward(x), cond.frames)
        for block in self.blocks:
            h = block(h, embedded)
        return self.outward(frame_norm(h))


class _Block(nn.Module):
    """h + scale * contract(gelu(expand(film(norm(depthwise(h)))))): (B, W, L) to (B, W, L)."""

    def __init__(self, settings: Settings, dilation: int, causal: bool) -> None:
        super().__init__()
        width, inner = settings.width, settings.width * settings.expansion
        self.depthwise = Conv(
            width, width, settings.kernel, dilation=dilation, groups=width, causal=causal
        )
        self.film = Film(width, width)
        self.expand = nn.Conv1d(width, inner, 1)
        self.contract = nn.Conv1d(inner, width, 1)
        self.scale = nn.Parameter(torch.full((width, 1), 0.2))

    def forward(self, h: Tensor, embedded: Tensor) -> Tensor:
        y = self.film(frame_norm(self.depthwise(h)), embedded)
        return h + self.scale * self.contract(F.gelu(self.expand(y), approximate="tanh"))


def build(settings: Settings, info: NetworkInfo) -> ResNet1d:
    """Build the stack; RecipeError for a kernel without a middle or without dilations."""
    if settings.kernel % 2 == 0 or settings.kernel < 1:
        raise RecipeError(
            f"network 'resnet1d': kernel is {settings.kernel}; expected an odd number, such as 7"
        )
    if not settings.dilations or min(settings.dilations) < 1:
        raise RecipeError(
            f"network 'resnet1d': dilations are {settings.dilations}; expected one number of 1 or "
            "more for each block in turn, such as [1, 2, 4, 8]"
        )
    return ResNet1d(settings, info)


SPEC = Spec(
    "resnet1d",
    Settings,
    build,
    frozenset({SEQUENCE, CAUSAL}),
    paper="He et al. 2016 (arXiv 1512.03385), Liu et al. 2022 (arXiv 2201.03545)",
)
