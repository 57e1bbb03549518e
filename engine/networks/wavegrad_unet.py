"""WaveGrad's network: audio goes down and modulates, by FiLM, mel frames on their way up.

Chen et al., "WaveGrad: Estimating Gradients for Waveform Generation", ICLR 2021 (arXiv 2009.00713),
section 3.1, figures 3 to 6.

| paper                       | here                                                |
|-----------------------------|-----------------------------------------------------|
| DBlock, UBlock, FiLM        | _DBlock, _UBlock, _Film                             |
| y_n, sqrt(alpha_bar)        | x, noise_cond                                       |
| x, mel-spectrogram          | cond.frames, hop = product of the upsample factors  |
| 5x1 Conv (audio), 3x1 Convs | downsample[0], first_conv (frames), last_conv       |

Names of parameters are those of the lmnt implementation, whose checkpoints fit the defaults built
with 128 frame channels. Two additions: category and descriptors are added where the way up begins,
and without frame channels it begins there alone. Any L >= 1: x is filled with zeros to whole hops.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import RecipeError
from engine.networks.conditioning import (
    ConditionEmbedding,
    check_frame_channels,
    frames_at_hops,
    sinusoids,
)
from engine.networks.interface import SEQUENCE, Conditions, NetworkInfo, refuse_causal
from engine.networks.layers import Conv
from engine.registry import Spec

_SLOPE = 0.2  # of the leaky rectifiers


@dataclass(frozen=True)
class Settings:
    """Sizes; the defaults are WaveGrad base (15.9 M parameters, 24 kHz, hop 300)."""

    upsample_factors: tuple[int, ...] = (
        5,
        5,
        3,
        2,
        2,
    )  # downsampling: backwards, without the first
    upsample_channels: tuple[int, ...] = (512, 512, 256, 128, 128)
    downsample_channels: tuple[int, ...] = (32, 128, 128, 256, 512)  # the first at full rate
    first_channels: int = 768
    narrow_blocks: int = 2  # the first blocks up: dilations 1, 2, 1, 2; the others 1, 2, 4, 8
    noise_scale: float = 1.0  # of noise_cond; a recipe without it takes its framework's

    @property
    def hop(self) -> int:
        """Samples of x that one condition frame covers."""
        return math.prod(self.upsample_factors)

    @property
    def downsample_factors(self) -> tuple[int, ...]:
        """Strides of the way down; 1 for its first convolution."""
        return (1, *reversed(self.upsample_factors[1:]))


class WaveGrad(nn.Module):
    """F(x (B, C, T), noise_cond (B,), cond) -> (B, C_out, T)."""

    def __init__(self, settings: Settings, info: NetworkInfo) -> None:
        super().__init__()
        self.hop = self.multiple = settings.hop
        self.noise_scale = settings.noise_scale
        self.first_channels = settings.first_channels
        up, down = settings.upsample_channels, settings.downsample_channels
        blocks = zip(down[:-1], down[1:], settings.downsample_factors[1:], strict=True)
        self.downsample = nn.ModuleList(
            [_Conv(info.channels, down[0], 5), *(_DBlock(a, b, factor) for a, b, factor in blocks)]
        )
        self.film = nn.ModuleList(_Film(a, b) for a, b in zip(down, reversed(up), strict=True))
        sizes = zip((settings.first_channels, *up[:-1]), up, settings.upsample_factors, strict=True)
        self.upsample = nn.ModuleList(
            _UBlock(a, b, factor, (1, 2, 1, 2) if i < settings.narrow_blocks else (1, 2, 4, 8))
            for i, (a, b, factor) in enumerate(sizes)
        )
        mels = info.frame_channels
        self.first_conv = _Conv(mels, settings.first_channels, 3) if mels else None
        self.last_conv = _Conv(up[-1], info.answers, 3)
        labelled = len(info.categories) or len(info.descriptors) or not mels
        self.labels = ConditionEmbedding(settings.first_channels, info, 0.0) if labelled else None

    def forward(self, x: Tensor, noise_cond: Tensor, cond: Conditions) -> Tensor:
        samples = x.shape[2]
        noise = noise_cond * self.noise_scale
        h = F.pad(x, (0, -samples % self.hop))
        start = self._start(h, samples, noise_cond, cond)
        modulations = []
        for layer, film in zip(self.downsample, self.film, strict=True):
            h = layer(h)
            modulations.append(film(h, noise))
        h = start
        for layer, modulation in zip(self.upsample, reversed(modulations), strict=True):
            h = layer(h, *modulation)
        return self.last_conv(h)[:, :, :samples]

    def _start(self, padded: Tensor, samples: int, noise_cond: Tensor, cond: Conditions) -> Tensor:
        """Where the way up begins: (B, first_channels, hops)."""
        hops = padded.shape[2] // self.hop
        start = padded.new_zeros((padded.shape[0], self.first_channels, hops))
        if self.first_conv is not None and cond.frames is not None:
            check_frame_channels(cond.frames, self.first_conv.in_channels)
            start = self.first_conv(frames_at_hops(cond.frames, samples, self.hop))
        if self.labels is not None:
            start = start + self.labels(noise_cond, cond).unsqueeze(2)
        return start


class _Conv(Conv):
    """A convolution that begins orthogonal and without bias."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, dilation: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, dilation=dilation)
        nn.init.orthogonal_(self.weight)
        assert self.bias is not None
        nn.init.zeros_(self.bias)


class _Film(nn.Module):
    """Features of the way down and the noise level to (shift, scale) for the way up."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.input_conv = Conv(inputs, inputs, 3)
        self.output_conv = Conv(inputs, 2 * outputs, 3)
        for convolution in (self.input_conv, self.output_conv):
            nn.init.xavier_uniform_(convolution.weight)
            assert convolution.bias is not None
            nn.init.zeros_(convolution.bias)

    def forward(self, h: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        y = F.leaky_relu(self.input_conv(h), _SLOPE)
        cosines, sines = sinusoids(noise, y.shape[1]).chunk(2, dim=1)
        y = y + torch.cat((sines, cosines), dim=1).unsqueeze(2)
        shift, scale = self.output_conv(y).chunk(2, dim=1)
        return shift, scale


class _UBlock(nn.Module):
    """Repeats every frame ``factor`` times; two residual parts, modulated before three of four
    dilated convolutions."""

    def __init__(
        self, inputs: int, outputs: int, factor: int, dilations: tuple[int, int, int, int]
    ) -> None:
        super().__init__()
        self.factor = factor
        a, b, c, d = dilations
        self.block1 = _Conv(inputs, outputs, 1)
        self.block2 = nn.ModuleList(
            [_Conv(inputs, outputs, 3, dilation=a), _Conv(outputs, outputs, 3, dilation=b)]
        )
        self.block3 = nn.ModuleList(_Conv(outputs, outputs, 3, dilation=e) for e in (c, d))

    def forward(self, h: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        h = h.repeat_interleave(self.factor, dim=2)
        y = self.block2[0](F.leaky_relu(h, _SLOPE))
        y = self.block2[1](F.leaky_relu(shift + scale * y, _SLOPE))
        h = self.block1(h) + y
        y = h
        for convolution in self.block3:
            y = convolution(F.leaky_relu(shift + scale * y, _SLOPE))
        return h + y


class _DBlock(nn.Module):
    """Keeps every factor-th frame; three dilated convolutions beside a linear path."""

    def __init__(self, inputs: int, outputs: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.residual_dense = _Conv(inputs, outputs, 1)
        self.conv = nn.ModuleList(
            _Conv(outputs if i else inputs, outputs, 3, dilation=2**i) for i in range(3)
        )

    def forward(self, h: Tensor) -> Tensor:
        h = h[:, :, :: self.factor]
        y = h
        for convolution in self.conv:
            y = convolution(F.leaky_relu(y, _SLOPE))
        return y + self.residual_dense(h)


def build(settings: Settings, info: NetworkInfo) -> WaveGrad:
    """Build the network; RecipeError when factors and channels do not fit together."""
    refuse_causal("wavegrad_unet", info)
    counts = [len(settings.upsample_factors), len(settings.upsample_channels),
              len(settings.downsample_channels)]  # fmt: skip
    if len(set(counts)) > 1 or not counts[0]:
        raise RecipeError(
            f"network 'wavegrad_unet': {counts[0]} upsample_factors, {counts[1]} "
            f"upsample_channels and {counts[2]} downsample_channels; expected as many of each"
        )
    if any(width % 2 for width in settings.downsample_channels):
        raise RecipeError(
            f"network 'wavegrad_unet': downsample_channels are {settings.downsample_channels}; "
            "expected even numbers: half of them carry sines of the noise level, half cosines"
        )
    if min(settings.upsample_factors) < 1:
        raise RecipeError(
            f"network 'wavegrad_unet': upsample_factors are {settings.upsample_factors}; expected "
            "numbers of 1 or more, whose product is the hop of the condition frames"
        )
    return WaveGrad(settings, info)


SPEC = Spec(
    "wavegrad_unet",
    Settings,
    build,
    frozenset({SEQUENCE}),
    paper="Chen et al. 2021 (arXiv 2009.00713)",
)
