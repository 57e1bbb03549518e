"""Sampling of networks that denoise: a table of ways, each a sampler on its own list of times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from engine.denoisers import Denoiser, FlowDenoiser, Parameterisation, SigmaDenoiser
from engine.errors import BadRange
from engine.frameworks.losses import spread, without_conditions
from engine.frameworks.sampling import Drawn, Order, Sampling
from engine.networks.interface import Conditions, joined
from engine.samplers import SAMPLERS, SIGMA_SAMPLERS, Sampler
from engine.schedules import sigma_from_flow_time

__all__ = ["Way", "flow_way", "in_sigma", "only", "sampling_of"]

Times = Callable[[int], Sequence[float]]
"""The times that a sampler visits for a number of steps, descending to 0."""


@dataclass(frozen=True)
class Way:
    """One way to sample.

    steps: the usual number. wrap: turns F(x, noise_cond) into the sampler's D(x, time).
    start(times[0]): what the first noise is multiplied by. in_flow: times are flow times.
    """

    sampler: Sampler
    times: Times
    steps: int
    wrap: Callable[[Callable[[Any, float], Any]], Denoiser[Any]]
    start: Callable[[float], float]
    in_flow: bool = False

    def entered(
        self, sound: Tensor, start: float, noise: Tensor, times: Sequence[float]
    ) -> tuple[Tensor, Sequence[float]]:
        """x = x_0 noised to flow time ``start``, and the times that are left from there."""
        level = start
        if not self.in_flow:
            level = float(sigma_from_flow_time(start)) if start < 1.0 else times[0]
        level = min(level, times[0])
        x = sound * (1.0 - level if self.in_flow else 1.0) + noise * level
        return x, (level, *(time for time in times if time < level))


def flow_way(sampler: str, times: Times, steps: int) -> Way:
    """A sampler in flow time of a network that answers the velocity, from t = 1."""
    return Way(SAMPLERS[sampler], times, steps, FlowDenoiser, lambda t: t, in_flow=True)


def in_sigma(
    parameterisation: Parameterisation,
    noise_cond: Callable[[float], float],
    start: Callable[[float], float],
) -> Callable[[str, Times, int], Way]:
    """Ways on the sigma scale of one network: way(sampler's name, sigmas, usual steps)."""
    wrap = partial(SigmaDenoiser, parameterisation=parameterisation, noise_cond=noise_cond)

    def way(sampler: str, sigmas: Times, steps: int) -> Way:
        return Way(SIGMA_SAMPLERS[sampler], sigmas, steps, wrap, start)

    return way


def only(sigmas: Sequence[float]) -> Times:
    """Times of a sampler that has one number of steps alone."""

    def times(steps: int) -> Sequence[float]:
        if steps != len(sigmas) - 1:
            raise ValueError(f"steps is {steps}; this sampler takes {len(sigmas) - 1} only")
        return sigmas

    return times


def sampling_of(
    ways: Mapping[str, Way], channels: int, answers: str, *, folded: bool = False
) -> Sampling:
    """The sampling of a network that denoises sounds of so many channels.

    folded: guidance is an input of the network; otherwise a scale other than 1 makes every
    evaluation two, one without conditions (Ho & Salimans 2022).
    """

    def make(network: nn.Module, order: Order, name: str, steps: int) -> Drawn:
        way = ways[name]
        try:
            times = way.times(steps)
        except ValueError as error:
            raise BadRange(f"sampler {name!r}: {error}") from error
        shape = (order.rows, channels, order.length)
        asked = _Asked(network, order.conditions, folded)
        first = order.noise(0, shape)
        x = first * way.start(times[0])
        if order.sound is not None:
            if order.start == 0.0:
                return Drawn(order.sound, 0)
            x, times = way.entered(order.sound, order.start, first, times)
        x = way.sampler(way.wrap(asked), x, times, lambda k: order.noise(k, shape), order.on_step)
        return Drawn(x, asked.nfe)

    return Sampling({name: way.steps for name, way in ways.items()}, make, answers, True)


class _Asked:
    """F(x, noise_cond) for given conditions, guided where that is asked for; counts evaluations."""

    def __init__(self, network: nn.Module, conditions: Conditions, folded: bool) -> None:
        self._network = network
        self._conditions = conditions
        self._scale: Tensor | None = None
        if not folded:
            plain = conditions._replace(guidance=torch.ones_like(conditions.guidance))
            self._conditions = plain
            if bool((conditions.guidance != 1.0).any()):
                self._scale = spread(conditions.guidance)
                self._conditions = joined(plain, without_conditions(plain))
        self.nfe = 0

    def __call__(self, x: Tensor, noise_cond: float) -> Tensor:
        rows = x if self._scale is None else torch.cat((x, x))
        told = torch.full((rows.shape[0],), noise_cond, dtype=x.dtype, device=x.device)
        answer: Tensor = self._network(rows, told, self._conditions)
        self.nfe += 1
        if self._scale is None:
            return answer
        self.nfe += 1
        with_conditions, without = answer.chunk(2)
        return without + self._scale * (with_conditions - without)
