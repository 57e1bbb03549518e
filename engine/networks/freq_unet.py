"""A U-Net along frequency whose memory is recurrent: small, causal, frame by frame.

The channels of x are `planes` numbers for each of C / planes bands. Bands are gathered into
patches, patches into regions. At each patch a GRU with the same weights for all patches follows
what its bands do; one GRU hears all regions at once. Skips lead around both, and a linear path
from the bands' own numbers to the answer goes around everything.

Shapes inside: (B, L, patches or regions, width). After Ronneberger et al. 2015 (arXiv 1505.04597);
shared recurrence along bands after Hao et al. 2021 (FullSubNet, arXiv 2010.15508).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import RecipeError
from engine.networks.conditioning import ConditionEmbedding, FrameConditions
from engine.networks.interface import CAUSAL, SEQUENCE, STEPPING, UNROLLED, Conditions, NetworkInfo
from engine.registry import Spec

State = tuple[Tensor, ...]


@dataclass(frozen=True)
class Settings:
    """Size of the network."""

    planes: int = 1  # numbers of a band, which must divide the channels
    patch: int = 4  # bands of a patch
    region: int = 4  # patches of a region
    width: int = 48  # of a patch
    region_width: int = 24
    memory: int = 256  # width of the GRU that hears all regions
    noise_scale: float = 1000.0  # of noise_cond; a recipe without it takes its framework's


class FreqUnet(nn.Module):
    """F(x, noise_cond, cond): x (B, C, L), any L >= 1."""

    def __init__(self, settings: Settings, info: NetworkInfo) -> None:
        super().__init__()
        s = settings
        if s.planes < 1 or info.channels % s.planes:
            raise RecipeError(
                f"network 'freq_unet': {info.channels} channels cannot be {s.planes} planes of "
                "bands; use planes that divide them, or planes = 1"
            )
        self.settings, self.causal = s, info.causal
        self.bands = info.channels // s.planes
        self.patches = -(-self.bands // s.patch)
        self.regions = -(-self.patches // s.region)
        # answers that fall into the same bands are given patch by patch, others all at once
        self.out_planes = info.answers // self.bands if info.answers % self.bands == 0 else 0
        width, hidden = s.width, self.regions * s.region_width
        own = width if info.causal else -(-width // 2)
        self.condition = ConditionEmbedding(width, info, s.noise_scale)
        self.curves = FrameConditions(info.frame_channels, width)
        self.inward = nn.Linear(3 * s.patch * s.planes, width)
        self.place = nn.Parameter(0.02 * torch.randn(self.patches, width))
        self.first = _Recurrent(width, own, info.causal)
        self.gather = nn.Linear(s.region * width, s.region_width)
        self.hear = nn.Linear(hidden, s.memory)
        half = s.memory if info.causal else -(-s.memory // 2)
        self.memory = nn.GRU(s.memory, half, batch_first=True, bidirectional=not info.causal)
        self.tell = nn.Linear(half if info.causal else 2 * half, hidden)
        self.spread = nn.Linear(s.region_width, s.region * width)
        self.mix = nn.Linear(3 * width, width)
        self.second = _Recurrent(width, own, info.causal)
        if self.out_planes:
            self.outward = nn.Linear(width, s.patch * self.out_planes)
            self.direct = nn.Linear(s.planes, self.out_planes)
        else:
            self.outward = nn.Linear(self.patches * width, info.answers)

    def forward(self, x: Tensor, noise_cond: Tensor, cond: Conditions) -> Tensor:
        return self._answer(x, noise_cond, cond, None)[0]

    def step(
        self, x: Tensor, noise_cond: Tensor, cond: Conditions, state: State | None = None
    ) -> tuple[Tensor, State]:
        """The answer to the next frames x (B, C, n), n >= 1, and the state after them.

        state: three tensors, or None before the first frame: (1, B * patches, width) twice and
        (1, B, memory). Raises RecipeError unless built causal.
        """
        if not self.causal:
            raise RecipeError(
                "this freq_unet hears both directions (causal = False) and cannot go frame by "
                "frame; build it with causal = True and train it so"
            )
        return self._answer(x, noise_cond, cond, state)

    def _answer(
        self, x: Tensor, noise_cond: Tensor, cond: Conditions, state: State | None
    ) -> tuple[Tensor, State]:
        s = self.settings
        rows, _, length = x.shape
        one, two, three = state if state is not None else (None, None, None)
        planes = x.reshape(rows, s.planes, self.bands, length).permute(0, 3, 2, 1)
        h = self.inward(self._patched(planes)) + self.place
        told = self.condition(noise_cond, cond)[:, :, None]  # (B, W, 1)
        told = self.curves(told.expand(-1, -1, length), cond.frames)
        h = h + told.transpose(1, 2)[:, :, None]
        h, one = self.first(h, one)
        fill = self.regions * s.region - self.patches
        regions = F.pad(h, (0, 0, 0, fill)).reshape(rows, length, self.regions, -1)
        heard = self.hear(F.silu(self.gather(regions)).flatten(2))
        memory, three = self.memory(F.silu(heard), three)
        spread = self.spread(F.silu(self.tell(memory)).reshape(rows, length, self.regions, -1))
        spread = spread.reshape(rows, length, -1, s.width)[:, :, : self.patches]
        h = h + self.mix(_with_neighbours(F.silu(F.layer_norm(h + spread, (s.width,)))))
        h, two = self.second(h, two)
        h = F.silu(F.layer_norm(h, (s.width,)))
        if not self.out_planes:
            return self.outward(h.flatten(2)).transpose(1, 2), (one, two, three)
        answer = self.outward(h).reshape(rows, length, -1, self.out_planes)[:, :, : self.bands]
        answer = answer + self.direct(planes)
        return answer.permute(0, 3, 2, 1).flatten(1, 2), (one, two, three)

    def _patched(self, planes: Tensor) -> Tensor:
        """(B, L, bands, planes) to (B, L, patches, 3 * patch * planes), with both neighbours."""
        rows, length = planes.shape[:2]
        fill = self.patches * self.settings.patch - self.bands
        filled = F.pad(planes, (0, 0, 0, fill))
        return _with_neighbours(filled.reshape(rows, length, self.patches, -1))


class _Recurrent(nn.Module):
    """h + gru(norm(h)) along L, the same at every patch: (B, L, P, W) to (B, L, P, W)."""

    def __init__(self, width: int, own: int, causal: bool) -> None:
        super().__init__()
        self.gru = nn.GRU(width, own, batch_first=True, bidirectional=not causal)
        self.back = nn.Linear(own if causal else 2 * own, width)

    def forward(self, h: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        rows, length, patches, width = h.shape
        each = F.layer_norm(h, (width,)).transpose(1, 2).reshape(rows * patches, length, width)
        y, after = self.gru(each, before)
        y = self.back(y).reshape(rows, patches, length, width).transpose(1, 2)
        return h + y, after


def _with_neighbours(h: Tensor) -> Tensor:
    """(B, L, P, W) to (B, L, P, 3 W): the patch below, the patch, the patch above."""
    padded = F.pad(h, (0, 0, 1, 1))
    return torch.cat((padded[:, :, :-2], h, padded[:, :, 2:]), dim=3)


def build(settings: Settings, info: NetworkInfo) -> FreqUnet:
    """Build the network; RecipeError when its planes do not divide the channels."""
    return FreqUnet(settings, info)


SPEC = Spec(
    "freq_unet",
    Settings,
    build,
    frozenset({SEQUENCE, CAUSAL, STEPPING, UNROLLED}),
    paper="Ronneberger et al. 2015 (arXiv 1505.04597); Hao et al. 2021 (arXiv 2010.15508)",
)
