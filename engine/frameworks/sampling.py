"""How a trained network makes sounds: one hook, so that any framework is sampled alike.

    sampling = framework.sampling()
    drawn = sampling.draw(network, Order(conditions, length, noise), "ddim", 20)

A framework builds its Sampling with one function, make(network, order, sampler, steps) -> Drawn.
Those whose network denoises use engine.frameworks.denoising; a decoder or generator makes its sound
in one call; an autoregressive network takes a step for every frame.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.errors import BadRange
from engine.networks.interface import Conditions
from engine.schedules import MAX_STEPS

__all__ = ["Drawn", "Noise", "Order", "Sampling"]

Noise = Callable[[int, tuple[int, ...]], Tensor]
"""noise(k, shape): draw k = 0, 1, 2, ... of standard normal noise, float32, on the network's
device. The same k gives the same noise. A uniform number is torch.special.ndtr of a normal one."""


@dataclass(frozen=True)
class Order:
    """Which sounds to draw.

    conditions: of B sounds, on the network's device; their guidance is the scale to use.
    length: L, in samples or latent frames. noise: where all randomness comes from.
    sound, start: x_0 (B, C, L) that enters the path noised to flow time start, 0 to 1, in place of
    noise alone (SDEdit, Meng et al. 2022); only where Sampling.restarts.
    on_step(done, steps): called after every step; an exception it raises ends the drawing.
    """

    conditions: Conditions
    length: int
    noise: Noise
    on_step: Callable[[int, int], None] = lambda _done, _steps: None
    sound: Tensor | None = None
    start: float = 1.0

    @property
    def rows(self) -> int:
        """B."""
        return self.conditions.category.shape[0]


@dataclass(frozen=True)
class Drawn:
    """x: (B, C, L), as training's Batch.x. nfe: network evaluations that each sound took."""

    x: Tensor
    nfe: int


@dataclass(frozen=True)
class Sampling:
    """How a framework's network is sampled.

    samplers: the names it takes, each with its usual number of steps; the first is the default.
    make: draws; it is given a name and a number of steps that have been checked.
    answers: what the network answers, for tables: "eps", "velocity", "sound", ...
    restarts: a sound may enter the path part of the way.
    """

    samplers: Mapping[str, int]
    make: Callable[[nn.Module, Order, str, int], Drawn]
    answers: str
    restarts: bool = False

    @torch.no_grad()
    def draw(self, network: nn.Module, order: Order, sampler: str = "", steps: int = 0) -> Drawn:
        """Draw the sounds of an order; "" and 0 are the default sampler and its usual steps.

        network: in the mode (train, eval) that the caller has set. Raises BadRange for a sampler
        that is not one of these or a number of steps that it cannot take.
        """
        name = sampler or next(iter(self.samplers))
        if name not in self.samplers:
            near = difflib.get_close_matches(name, list(self.samplers), n=1)
            raise BadRange(
                f"sampler is {name!r}; expected one of: {', '.join(self.samplers)}"
                + (f"; did you mean {near[0]!r}?" if near else "")
            )
        count = steps or self.samplers[name]
        if not 1 <= count <= MAX_STEPS:
            raise BadRange(f"steps is {count}; expected 1 to {MAX_STEPS}")
        if not 0.0 <= order.start <= 1.0 or (order.sound is not None and not self.restarts):
            raise BadRange(
                f"a sound enters at {order.start}; expected 0 to 1, and a network that denoises"
            )
        return self.make(network, order, name, count)
