"""What every network is, F(x, noise_cond, cond), and what one must know to be built.

    forward(x (B, C, L), noise_cond (B,), cond: Conditions) -> (B, C_out, L)

noise_cond is whatever number the framework uses for the amount of noise (a time, a timestep, a
noise level, the log of a sigma); frameworks without noise give zeros. A network knows no schedule,
loss or sampler. It takes any length L >= 1 and pads inside where its strides want that; only
networks with the trait FIXED_LENGTH want exactly `NetworkInfo.frames`. A network with strides says
by its attribute ``multiple`` which lengths need no filling, and by ``hop``, where it has one, how
many frames of x a condition frame covers.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.registry import networks_with

__all__ = [
    "AUTOENCODER",
    "CAUSAL",
    "FIXED_LENGTH",
    "SEQUENCE",
    "STEPPING",
    "UNROLLED",
    "Conditions",
    "NetworkBuilder",
    "NetworkInfo",
    "joined",
    "no_conditions",
    "on_frames",
    "refuse_causal",
]

SEQUENCE = "sequence"
"""Trait of a network's Spec: F maps (B, C, L) to (B, C_out, L)."""
CAUSAL = "causal"
"""Trait: built with NetworkInfo.causal, output frame i depends on input frames up to i alone."""
STEPPING = "stepping"
"""Trait: causal, and has ``step(x (B, C, n), noise_cond, cond, state=None) -> (answer, state)``,
which answers the next n >= 1 frames as ``forward`` would have with all frames before them."""
FIXED_LENGTH = "fixed length"
"""Trait: L is always NetworkInfo.frames. A limit, not an ability: no framework asks for it."""
UNROLLED = "unrolled"
"""Trait: a graph made of it has one length, that of its export. A limit, like FIXED_LENGTH."""
AUTOENCODER = "autoencoder"
"""Trait: encoder and decoder of spectra (see engine.networks.convnext), not a sequence network."""


class Conditions(NamedTuple):
    """What the sound should be. A tuple, so that graph exporters see plain inputs.

    category: (B,) int64 index, -1 = any. descriptors: (B, K) float32 in 0..1, NaN = any.
    guidance: (B,) float32, the classifier-free guidance scale folded in; 1 = plain conditional.
    frames: (B, M, L') float32 or None: conditions along time (mel frames, drawn curves). L of x
    is a multiple of L' and every condition frame covers L / L' frames of x.
    """

    category: Tensor
    descriptors: Tensor
    guidance: Tensor
    frames: Tensor | None = None


@dataclass(frozen=True)
class NetworkInfo:
    """Shapes that a network is built for; ``len()`` of categories and descriptors is what counts.

    channels, out_channels: C and C_out; out_channels 0 = as many as channels.
    frame_channels: M of Conditions.frames, 0 = the network takes none.
    frames: longest x; networks with the trait FIXED_LENGTH take this length alone.
    causal: frame i of the answer may depend on frames up to i only.
    """

    channels: int
    categories: Sized = ()
    descriptors: Sized = ()
    out_channels: int = 0
    frame_channels: int = 0
    frames: int = 0
    causal: bool = False

    @property
    def answers(self) -> int:
        """C_out."""
        return self.out_channels or self.channels


NetworkBuilder = Callable[[NetworkInfo], nn.Module]
"""Builds another network of the recipe's kind and size for other shapes."""


def no_conditions(x: Tensor, descriptors: int = 0) -> Conditions:
    """Conditions that say nothing, for the B rows of x."""
    rows = x.shape[0]
    return Conditions(
        torch.full((rows,), -1, dtype=torch.int64, device=x.device),
        torch.full((rows, descriptors), float("nan"), device=x.device),
        torch.ones(rows, device=x.device),
    )


def joined(first: Conditions, second: Conditions) -> Conditions:
    """Both batches' conditions as one batch; either both have frames or neither has."""
    frames = None
    if first.frames is not None and second.frames is not None:
        frames = torch.cat((first.frames, second.frames))
    return Conditions(
        torch.cat((first.category, second.category)),
        torch.cat((first.descriptors, second.descriptors)),
        torch.cat((first.guidance, second.guidance)),
        frames,
    )


def on_frames(frames: Tensor, length: int) -> Tensor:
    """Condition frames (B, M, L') repeated to x's own rate: (B, M, length)."""
    return frames.repeat_interleave(-(-length // frames.shape[2]), dim=2)[:, :, :length]


def refuse_causal(name: str, info: NetworkInfo) -> None:
    """Raise RecipeError when info wants a causal network; for those that hear all of x at once."""
    if info.causal:
        raise RecipeError(
            f"network {name!r} hears the whole of x at once and cannot be causal; expected one of: "
            + ", ".join(networks_with(frozenset({SEQUENCE, CAUSAL})))
        )
