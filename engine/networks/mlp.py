"""A perceptron over a whole window: every frame of x at once, one flat vector in and out.

Rosenblatt 1958; Rumelhart, Hinton & Williams 1986; residual layers after He et al. 2016
(arXiv 1512.03385). The plainest network there is: it knows nothing of time, so the window has
always the same length, and its size grows with the square of what it is asked to learn.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import RecipeError
from engine.networks.conditioning import ConditionEmbedding, Film, FrameConditions
from engine.networks.interface import (
    FIXED_LENGTH,
    SEQUENCE,
    Conditions,
    NetworkInfo,
    refuse_causal,
)
from engine.registry import Spec

LARGEST = 2**18  # values of a window; beyond, the first layer alone is hundreds of megabytes


@dataclass(frozen=True)
class Settings:
    """Size of the perceptron."""

    width: int = 512
    depth: int = 4
    noise_scale: float = 1000.0  # of noise_cond; a recipe without it takes its framework's


class Mlp(nn.Module):
    """F(x (B, C, L), noise_cond, cond) -> (B, C_out, L) with L = info.frames."""

    def __init__(self, settings: Settings, info: NetworkInfo) -> None:
        super().__init__()
        width = settings.width
        self.frames = info.frames
        self.answers = info.answers
        self.condition = ConditionEmbedding(width, info, settings.noise_scale)
        self.curves = FrameConditions(info.frame_channels, info.channels)
        self.inward = nn.Linear(info.channels * info.frames, width)
        self.blocks = nn.ModuleList(_Block(width) for _ in range(settings.depth))
        self.outward = nn.Linear(width, info.answers * info.frames)

    def forward(self, x: Tensor, noise_cond: Tensor, cond: Conditions) -> Tensor:
        if x.shape[2] != self.frames:
            raise RecipeError(
                f"network 'mlp' was built for windows of {self.frames} frames, not "
                f"{x.shape[2]}; train and generate with this one length, or use a network that "
                "takes any"
            )
        embedded = F.silu(self.condition(noise_cond, cond))
        h = self.inward(self.curves(x, cond.frames).flatten(1))
        for block in self.blocks:
            h = block(h, embedded)
        return self.outward(F.silu(h)).unflatten(1, (self.answers, self.frames))


class _Block(nn.Module):
    """h + linear(silu(film(norm(h)))): (B, W) to (B, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.film = Film(width, width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, h: Tensor, embedded: Tensor) -> Tensor:
        normal = F.layer_norm(h, (h.shape[1],)).unsqueeze(2)
        return h + self.down(F.silu(self.up(self.film(normal, embedded).squeeze(2))))


def build(settings: Settings, info: NetworkInfo) -> Mlp:
    """Build the perceptron; RecipeError when the window's length is unknown or far too long."""
    refuse_causal("mlp", info)
    if info.frames < 1:
        raise RecipeError(
            f"network 'mlp' takes windows of one length, but the data's is {info.frames} frames; "
            "use data of a known length, or a network that takes any"
        )
    if info.channels * info.frames > LARGEST:
        raise RecipeError(
            f"network 'mlp' would take {info.channels} x {info.frames} values at once, more than "
            f"{LARGEST}; use shorter windows, latents, or another network"
        )
    return Mlp(settings, info)


SPEC = Spec(
    "mlp",
    Settings,
    build,
    frozenset({SEQUENCE, FIXED_LENGTH}),
    paper="Rumelhart, Hinton & Williams 1986, He et al. 2016 (arXiv 1512.03385)",
)
