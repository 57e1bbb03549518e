"""From one seed's sound to another's with a trained run: the noise goes on a great circle."""

from __future__ import annotations

import time
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engine.frameworks import DataInfo
from engine.frameworks.sampling import Noise, Order, Sampling
from engine.interpolation import row, slerp
from engine.laboratory.subjects import Sounds
from engine.networks.interface import Conditions

__all__ = ["Sampled", "seeds_between"]

Array = npt.NDArray[np.float32]

MANY_STEPS = 50  # too slow for a strip


class Opened(Protocol):
    """A trained run, open."""

    @property
    def network(self) -> nn.Module: ...
    @property
    def info(self) -> DataInfo: ...
    @property
    def device(self) -> str: ...
    @property
    def usual_length(self) -> int:
        """Frames of x that a sound is made of."""
        ...

    def audio(self, x: Tensor) -> Tensor:
        """x (B, C, L) -> sounds (B, T)."""
        ...


@runtime_checkable
class Sampled(Protocol):
    """A run's model whose framework is sampled, as those of engine.laboratory.model are."""

    @property
    def opened(self) -> Opened: ...
    @property
    def sampling(self) -> Sampling: ...


def seeds_between(
    model: Sampled, first: int, second: int, points: int, *, category: int, steps: int = 0
) -> Sounds:
    """`points` sounds in one batch; the ends are sound 0 of either seed.

    The default sampler, or where that takes many steps the one that takes the fewest above one.
    Raises BadRange for steps that it cannot take.
    """
    opened, device = model.opened, model.opened.device
    told = Conditions(
        torch.full((points,), category if opened.info.categories else -1, device=device),
        torch.full((points, len(opened.info.descriptors)), torch.nan, device=device),
        torch.ones(points, device=device),
    )

    def noise(draw: int, shape: tuple[int, ...]) -> Tensor:
        one, other = (_normal(seed, draw, shape[1:]) for seed in (first, second))
        return torch.from_numpy(row(one, other, shape[0], slerp)).to(device)

    checked: Noise = noise
    begun = time.perf_counter()
    order = Order(told, opened.usual_length, checked)
    drawn = model.sampling.draw(opened.network, order, _quick(model.sampling), steps)
    audio = opened.audio(drawn.x).float().cpu().numpy()
    each_ms = (time.perf_counter() - begun) * 1000.0 / points
    return Sounds(list(audio), drawn.nfe, each_ms)


def _quick(sampling: Sampling) -> str:
    first = next(iter(sampling.samplers))
    several = {name: steps for name, steps in sampling.samplers.items() if steps > 1}
    if sampling.samplers[first] <= MANY_STEPS or not several:
        return first
    return min(several, key=several.__getitem__)


def _normal(seed: int, draw: int, shape: tuple[int, ...]) -> Array:
    """Standard normal noise of a seed's sound 0, keyed as engine.samplers.philox_noise is."""
    bits = np.random.Philox(key=seed, counter=draw << 192)
    return np.random.Generator(bits).standard_normal(shape, dtype=np.float32)
