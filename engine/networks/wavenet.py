"""DiffWave's network: a stack of gated, dilated convolutions with skip outputs.

Kong et al., "DiffWave: A Versatile Diffusion Model for Audio Synthesis", ICLR 2021, section 3.

| paper                        | here                                           |
|------------------------------|------------------------------------------------|
| N layers, C, dilation cycle n| settings.layers, .channels, .cycle             |
| t_embedding (3.1)            | diffusion_embedding                            |
| local conditioner (3.2)      | cond.frames, hop = product of settings.upsample|
| global conditioner (3.2)     | labels: category, descriptors and guidance     |

Names of parameters are those of the lmnt implementation, whose checkpoints fit the defaults built
with 80 frame channels (or none) and without categories and descriptors. Built causal, the
convolutions look back alone, as WaveNet's do (van den Oord et al. 2016, arXiv 1609.03499); what is
known along time may still be heard up to two of its frames ahead, in the upsampler.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.networks.conditioning import (
    ConditionEmbedding,
    check_frame_channels,
    frames_at_hops,
)
from engine.networks.interface import CAUSAL, SEQUENCE, Conditions, NetworkInfo
from engine.networks.layers import Conv
from engine.registry import Spec

_EMBEDDING = 128  # sines and cosines; the width of the embedding's hidden layers is 512
_HIDDEN = 512


@dataclass(frozen=True)
class Settings:
    """Sizes; the defaults are DiffWave BASE (2.6 M parameters, 22.05 kHz vocoder)."""

    layers: int = 30
    channels: int = 64
    cycle: int = 10  # dilation of layer i is 2 ** (i % cycle)
    upsample: tuple[int, ...] = (16, 16)  # of condition frames; empty = they are only repeated
    label_width: int = 128  # of the global conditioner; 0 = category and descriptors are ignored
    noise_scale: float = 1.0  # of noise_cond; a recipe without it takes its framework's

    @property
    def hop(self) -> int:
        """Samples of x that one condition frame covers."""
        return math.prod(self.upsample)


class DiffusionEmbedding(nn.Module):
    """Timestep (B,) -> (B, 512); a fractional step lies between its neighbours' sinusoids."""

    frequencies: Tensor

    def __init__(self) -> None:
        super().__init__()
        exponents = torch.arange(_EMBEDDING // 2) * 4.0 / (_EMBEDDING // 2 - 1)
        self.register_buffer("frequencies", 10.0**exponents, persistent=False)
        self.projection1 = nn.Linear(_EMBEDDING, _HIDDEN)
        self.projection2 = nn.Linear(_HIDDEN, _HIDDEN)

    def forward(self, timestep: Tensor) -> Tensor:
        below = torch.floor(timestep)
        fraction = (timestep - below).unsqueeze(-1)
        x = torch.lerp(self._sinusoids(below), self._sinusoids(torch.ceil(timestep)), fraction)
        return F.silu(self.projection2(F.silu(self.projection1(x))))

    def _sinusoids(self, timestep: Tensor) -> Tensor:
        angles = timestep.unsqueeze(-1) * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


class SpectrogramUpsampler(nn.Module):
    """Condition frames (B, M, L) -> (B, M, hop * L) by learned transposed convolutions.

    They stretch along time, and mix neighbouring channels, which of mel frames are near bands.
    """

    def __init__(self, strides: Sequence[int]) -> None:
        super().__init__()
        for number, stride in enumerate(strides, 1):
            convolution = nn.ConvTranspose2d(
                1, 1, (3, 2 * stride), stride=(1, stride), padding=(1, (stride + 1) // 2),
                output_padding=(0, stride % 2),
            )  # fmt: skip
            self.add_module(f"conv{number}", convolution)

    def forward(self, frames: Tensor) -> Tensor:
        x = frames.unsqueeze(1)
        for convolution in self.children():
            x = F.leaky_relu(convolution(x), 0.4)
        return x.squeeze(1)


class ResidualLayer(nn.Module):
    """One gated layer: returns (residual output, skip output), each (B, C, T)."""

    def __init__(self, settings: Settings, info: NetworkInfo, dilation: int, labels: int) -> None:
        super().__init__()
        channels, frames = settings.channels, info.frame_channels
        self.dilated_conv = Conv(channels, 2 * channels, 3, dilation=dilation, causal=info.causal)
        self.diffusion_projection = nn.Linear(_HIDDEN, channels)
        self.conditioner_projection = nn.Conv1d(frames, 2 * channels, 1) if frames else None
        self.label_projection = nn.Linear(labels, 2 * channels) if labels else None
        self.output_projection = nn.Conv1d(channels, 2 * channels, 1)

    def forward(
        self, x: Tensor, step: Tensor, frames: Tensor | None, labels: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        y = self.dilated_conv(x + self.diffusion_projection(step).unsqueeze(-1))
        if self.conditioner_projection is not None and frames is not None:
            y = y + self.conditioner_projection(frames)
        if self.label_projection is not None:
            assert labels is not None
            y = y + self.label_projection(labels).unsqueeze(-1)
        gate, content = y.chunk(2, dim=1)
        y = self.output_projection(torch.sigmoid(gate) * torch.tanh(content))
        residual, skip = y.chunk(2, dim=1)
        return (x + residual) / math.sqrt(2.0), skip


class DiffWave(nn.Module):
    """F(x (B, C, T), timestep (B,), cond) -> predicted noise (B, C_out, T)."""

    def __init__(self, settings: Settings, info: NetworkInfo) -> None:
        super().__init__()
        channels = settings.channels
        self.hop = settings.hop
        self.multiple = settings.hop if info.frame_channels else 1
        self.noise_scale = settings.noise_scale
        self.frame_channels = info.frame_channels
        labelled = len(info.categories) or len(info.descriptors)
        labels = settings.label_width if labelled else 0
        self.input_projection = nn.Conv1d(info.channels, channels, 1)
        self.diffusion_embedding = DiffusionEmbedding()
        self.spectrogram_upsampler = (
            SpectrogramUpsampler(settings.upsample) if info.frame_channels else None
        )
        self.residual_layers = nn.ModuleList(
            ResidualLayer(settings, info, 2 ** (i % settings.cycle), labels)
            for i in range(settings.layers)
        )
        self.skip_projection = nn.Conv1d(channels, channels, 1)
        self.output_projection = nn.Conv1d(channels, info.answers, 1)
        for convolution in self.modules():
            if isinstance(convolution, nn.Conv1d):
                nn.init.kaiming_normal_(convolution.weight)
        nn.init.zeros_(self.output_projection.weight)
        self.labels = ConditionEmbedding(labels, info, 0.0) if labels else None

    def forward(self, x: Tensor, noise_cond: Tensor, cond: Conditions) -> Tensor:
        step = self.diffusion_embedding(noise_cond * self.noise_scale)
        labels = self.labels(noise_cond, cond) if self.labels is not None else None
        frames = None
        if self.spectrogram_upsampler is not None and cond.frames is not None:
            check_frame_channels(cond.frames, self.frame_channels)
            frames = frames_at_hops(cond.frames, x.shape[2], self.hop)
            frames = self.spectrogram_upsampler(frames)[:, :, : x.shape[2]]
        x = F.relu(self.input_projection(x))
        total = torch.zeros_like(x)
        for layer in self.residual_layers:
            x, skip = layer(x, step, frames, labels)
            total = total + skip
        x = F.relu(self.skip_projection(total / math.sqrt(len(self.residual_layers))))
        return self.output_projection(x)


def build(settings: Settings, info: NetworkInfo) -> DiffWave:
    """Build the network; RecipeError for a cycle or strides that make no layer."""
    if settings.cycle < 1 or settings.layers < 1:
        raise RecipeError(
            f"network 'wavenet': {settings.layers} layers in cycles of {settings.cycle}; expected "
            "1 or more of both"
        )
    if min(settings.upsample, default=2) < 2:
        raise RecipeError(
            f"network 'wavenet': upsample is {settings.upsample}; expected strides of 2 or more, "
            "or [] to repeat condition frames"
        )
    return DiffWave(settings, info)


SPEC = Spec(
    "wavenet",
    Settings,
    build,
    frozenset({SEQUENCE, CAUSAL}),
    noise_span=50.0,
    paper="Kong et al. 2021 (arXiv 2009.09761), van den Oord et al. 2016 (arXiv 1609.03499)",
)
