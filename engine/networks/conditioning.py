"""How conditions enter a network: one vector for what holds throughout, one sum for what moves.

    embedded = ConditionEmbedding(width, info, noise_scale)(noise_cond, cond)   # (B, width)
    h = FrameConditions(info.frame_channels, width)(h, cond.frames)             # (B, width, L)
    h = Film(embedding_width, width)(h, embedded)                               # (B, width, L)

FiLM: Perez et al. 2018 (arXiv 1709.07871), equation 1. Sinusoids of time: Vaswani et al. 2017.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import RecipeError
from engine.networks.interface import Conditions, NetworkInfo, on_frames

NOISE_FEATURES = 64


class ConditionEmbedding(nn.Module):
    """Sums what is known of noise, category, descriptors and guidance into one vector (B, W).

    noise_scale: the sinusoids see noise_cond times this, best 0 to 1000 (times in 0..1: 1000;
    timesteps: 1); 0 = noise_cond is not looked at, for networks that embed it in their own way.
    """

    def __init__(self, width: int, info: NetworkInfo, noise_scale: float) -> None:
        super().__init__()
        self.noise_scale = noise_scale
        self.time = perceptron(NOISE_FEATURES, width) if noise_scale else None
        self.category = nn.Embedding(len(info.categories) + 1, width)  # row 0 = any
        kinds = len(info.descriptors)
        self.descriptors = perceptron(3 * kinds, width) if kinds else None
        self.guidance = perceptron(2, width)
        nn.init.normal_(self.category.weight, std=0.02)
        for parameter in self.guidance[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, noise_cond: Tensor, cond: Conditions) -> Tensor:
        """noise_cond (B,) and the conditions to (B, W); absent ones give a learned constant."""
        total: Tensor = self.category(cond.category + 1)
        if self.time is not None:
            total = self.time(sinusoids(noise_cond * self.noise_scale, NOISE_FEATURES)) + total
        if self.descriptors is not None:
            total = total + self.descriptors(_measured(cond.descriptors))
        pull = torch.log(cond.guidance).unsqueeze(1)
        return total + self.guidance(torch.cat((pull, pull * pull), dim=1))


class FrameConditions(nn.Module):
    """Adds conditions along time, projected frame by frame, to a network's features.

    Without frame_channels it has no parameters and adds nothing. A network built for conditions
    along time that is given none adds nothing either, which differs from frames of zeros.
    """

    def __init__(self, frame_channels: int, width: int) -> None:
        super().__init__()
        self.project = nn.Conv1d(frame_channels, width, 1) if frame_channels else None

    def forward(self, h: Tensor, frames: Tensor | None) -> Tensor:
        """h (B, W, L) and frames (B, M, L') or None to (B, W, L).

        Raises RecipeError when M is not what the network was built for.
        """
        if self.project is None or frames is None:
            return h
        check_frame_channels(frames, self.project.in_channels)
        return h + on_frames(self.project(frames), h.shape[2])


class Film(nn.Module):
    """Scales and shifts every channel by the conditions' vector; begins as the identity."""

    def __init__(self, embedding: int, width: int) -> None:
        super().__init__()
        self.affine = nn.Linear(embedding, 2 * width)
        nn.init.zeros_(self.affine.weight)
        nn.init.zeros_(self.affine.bias)

    def forward(self, h: Tensor, embedded: Tensor) -> Tensor:
        """h (B, W, L) and embedded (B, E) to (B, W, L)."""
        scale, shift = self.affine(embedded).unsqueeze(2).chunk(2, dim=1)
        return h * (1.0 + scale) + shift


def check_frame_channels(frames: Tensor, expected: int) -> None:
    """Raise RecipeError unless frames (B, M, L') have the M that a network was built for."""
    if frames.shape[1] != expected:
        raise RecipeError(
            f"conditions along time have {frames.shape[1]} channels; the network was built for "
            f"{expected}: use the data it was built for, or build it for these"
        )


def frames_at_hops(frames: Tensor, length: int, hop: int) -> Tensor:
    """Condition frames (B, M, L') of ``length`` frames of x, at one a hop: (B, M, hops).

    hops = length / hop, rounded up. Slower frames are repeated; of faster ones, a hop has the mean.
    """
    hops = -(-length // hop)
    if frames.shape[2] == hops:
        return frames
    full = on_frames(frames, length)
    return F.avg_pool1d(F.pad(full, (0, hops * hop - length), mode="replicate"), hop)


def perceptron(inputs: int, width: int) -> nn.Sequential:
    """Two linear layers with a SiLU between."""
    return nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width))


def sinusoids(value: Tensor, features: int) -> Tensor:
    """(B,) -> (B, features): cosines, then sines, at wavelengths from 2 pi to 10 000 * 2 pi."""
    half = features // 2
    ladder = torch.arange(half, dtype=torch.float32, device=value.device)
    rates = torch.exp(ladder * (-math.log(10_000.0) / half))
    angle = value.unsqueeze(1) * rates
    return torch.cat((angle.cos(), angle.sin()), dim=1)


def _measured(descriptors: Tensor) -> Tensor:
    """(B, K) in 0..1 or NaN to (B, 3 K): value in -1..1, its square, and whether it is there."""
    absent = torch.isnan(descriptors)
    centred = torch.where(absent, torch.zeros_like(descriptors), descriptors * 2 - 1)
    present = 1.0 - absent.to(centred.dtype)
    return torch.cat((centred, centred * centred * present, present), dim=1)
