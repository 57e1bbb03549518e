"""DiffWave's network: a stack of gated, dilated, non-causal convolutions with skip outputs.

Kong et al., "DiffWave: A Versatile Diffusion Model for Audio Synthesis", ICLR 2021, section 3.

| paper              | here                      |
|--------------------|---------------------------|
| N layers, C        | settings.layers, .channels|
| dilation cycle n   | settings.cycle            |
| t_embedding        | diffusion_embedding       |
| conditioner        | cond.frames (B, M, L)     |
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.networks.interface import SEQUENCE, Conditions, NetworkInfo
from engine.registry import Spec

_EMBEDDING = 128  # sines and cosines; the width of the embedding's hidden layers is 512
_HIDDEN = 512


@dataclass(frozen=True)
class WaveNet:
    """Settings; the defaults are DiffWave BASE (2.6 M parameters, 22.05 kHz vocoder)."""

    layers: int = 30
    channels: int = 64
    cycle: int = 10  # dilation of layer i is 2 ** (i % cycle)
    mels: int = 80  # 0 = unconditional


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
    """Mel frames (B, M, L) -> samples (B, M, 256 L) by two learned 16x transposed convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.ConvTranspose2d(1, 1, (3, 32), stride=(1, 16), padding=(1, 8))
        self.conv2 = nn.ConvTranspose2d(1, 1, (3, 32), stride=(1, 16), padding=(1, 8))

    def forward(self, mel: Tensor) -> Tensor:
        x = F.leaky_relu(self.conv1(mel.unsqueeze(1)), 0.4)
        return F.leaky_relu(self.conv2(x), 0.4).squeeze(1)


class ResidualLayer(nn.Module):
    """One gated layer: returns (residual output, skip output), each (B, C, T)."""

    def __init__(self, channels: int, dilation: int, mels: int) -> None:
        super().__init__()
        self.dilated_conv = nn.Conv1d(
            channels, 2 * channels, 3, padding=dilation, dilation=dilation
        )
        self.diffusion_projection = nn.Linear(_HIDDEN, channels)
        self.conditioner_projection = nn.Conv1d(mels, 2 * channels, 1) if mels else None
        self.output_projection = nn.Conv1d(channels, 2 * channels, 1)

    def forward(self, x: Tensor, step: Tensor, mel: Tensor | None) -> tuple[Tensor, Tensor]:
        y = self.dilated_conv(x + self.diffusion_projection(step).unsqueeze(-1))
        if self.conditioner_projection is not None:
            assert mel is not None
            y = y + self.conditioner_projection(mel)
        gate, content = y.chunk(2, dim=1)
        y = self.output_projection(torch.sigmoid(gate) * torch.tanh(content))
        residual, skip = y.chunk(2, dim=1)
        return (x + residual) / math.sqrt(2.0), skip


class DiffWave(nn.Module):
    """F(x (B, 1, T), timestep (B,), cond) -> predicted noise (B, 1, T).

    cond.frames: mel frames (B, mels, T / 256); not looked at when ``mels`` is 0.
    """

    def __init__(self, settings: WaveNet) -> None:
        super().__init__()
        self.input_projection = nn.Conv1d(1, settings.channels, 1)
        self.diffusion_embedding = DiffusionEmbedding()
        self.spectrogram_upsampler = SpectrogramUpsampler() if settings.mels else None
        self.residual_layers = nn.ModuleList(
            ResidualLayer(settings.channels, 2 ** (i % settings.cycle), settings.mels)
            for i in range(settings.layers)
        )
        self.skip_projection = nn.Conv1d(settings.channels, settings.channels, 1)
        self.output_projection = nn.Conv1d(settings.channels, 1, 1)
        for convolution in self.modules():
            if isinstance(convolution, nn.Conv1d):
                nn.init.kaiming_normal_(convolution.weight)
        nn.init.zeros_(self.output_projection.weight)

    def forward(self, x: Tensor, noise_cond: Tensor, cond: Conditions) -> Tensor:
        step = self.diffusion_embedding(noise_cond)
        mel = None
        if self.spectrogram_upsampler is not None:
            assert cond.frames is not None, "this network needs mel frames"
            mel = self.spectrogram_upsampler(cond.frames)
        x = F.relu(self.input_projection(x))
        total = torch.zeros_like(x)
        for layer in self.residual_layers:
            x, skip = layer(x, step, mel)
            total = total + skip
        x = F.relu(self.skip_projection(total / math.sqrt(len(self.residual_layers))))
        return self.output_projection(x)


def build(settings: WaveNet, info: NetworkInfo) -> nn.Module:
    """Build the network; DiffWave works on one channel of audio."""
    if info.channels != 1:
        raise RecipeError(
            f"network 'wavenet' takes 1 channel of audio, not {info.channels} channels; use mono "
            "audio, or another network for latents"
        )
    return DiffWave(settings)


SPEC = Spec("wavenet", WaveNet, build, frozenset({SEQUENCE}))
