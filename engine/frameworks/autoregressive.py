"""Autoregressive prior over codes: cross-entropy of each code given those before it.

van den Oord et al. 2017 (arXiv 1711.00937), section 3.3, with any causal network in place of
their WaveNet; Esser et al. 2021 (arXiv 2012.09841), equation 9, with a transformer. Conditions
are withheld at random, so that sampling can be guided (engine.samplers.autoregressive).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import BadRange, RecipeError
from engine.frameworks import Batch, DataInfo, Framework, Parts
from engine.frameworks.losses import (
    ConditionDropout,
    dropped_conditions,
    weighted_mean,
    without_conditions,
)
from engine.frameworks.sampling import Drawn, Order, Sampling
from engine.networks.interface import CAUSAL, SEQUENCE, Conditions, NetworkBuilder, joined
from engine.networks.token_prior import TokenPrior
from engine.registry import Spec
from engine.samplers.autoregressive import CodeSampling, autoregressive, guided


@dataclass(frozen=True)
class Settings:
    """Settings of the prior."""

    width: int = 256  # channels of the codes' embedding, on which the network works
    silence_weight: float = 0.4  # of frames after the end of a sound
    dropout: ConditionDropout = field(default_factory=ConditionDropout)
    temperature: float = 1.0  # of all samplers but greedy
    top_k: int = 32  # of sampler top_k
    top_p: float = 0.95  # of sampler top_p

    def ways(self) -> dict[str, CodeSampling]:
        """The samplers by name. Raises ValueError for numbers that make none."""
        return {
            "top_p": CodeSampling(self.temperature, top_p=self.top_p),
            "top_k": CodeSampling(self.temperature, top_k=self.top_k),
            "plain": CodeSampling(self.temperature),
            "greedy": CodeSampling(0.0),
        }


class Autoregressive(Framework):
    """Trains a TokenPrior on codes."""

    network: TokenPrior

    def __init__(self, settings: Settings, parts: Parts) -> None:
        super().__init__()
        assert isinstance(parts.network, TokenPrior)
        try:
            settings.ways()
        except ValueError as error:
            raise RecipeError(f"framework autoregressive: {error}") from error
        self.settings = settings
        self.network = parts.network

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Weighted mean cross-entropy in nats a code, and the share of codes guessed rightly."""
        conditions = dropped_conditions(batch, self.settings.dropout, generator)
        logits = self.network(batch.x, conditions)  # (B, K, N, L)
        entropy = F.cross_entropy(logits.transpose(1, 2), batch.x, reduction="none")  # (B, K, L)
        right = (logits.argmax(dim=2) == batch.x).float().mean()
        total = weighted_mean(entropy, batch, self.settings.silence_weight).mean()
        return {"total": total, "right": right}

    def sampling(self) -> Sampling:
        """Ways to choose codes; all take one step, in which every frame has its turn."""

        def make(network: nn.Module, order: Order, name: str, steps: int) -> Drawn:
            if steps != 1:
                raise BadRange(f"steps is {steps}; sampler {name!r} goes frame by frame, in 1 step")
            return draw_codes(network, order, self.settings.ways()[name])

        return Sampling(dict.fromkeys(self.settings.ways(), 1), make, "codes")


@torch.no_grad()
def draw_codes(
    network: nn.Module, order: Order, sampling: CodeSampling, cached: bool = True
) -> Drawn:
    """Draw codes (B, K, L) from a TokenPrior; the conditions' guidance is the scale to use.

    cached: go on from the network's state where it can ``step``; else it hears everything again
    at each position, with the same answers. order.noise(p, (B, K)) decides position p.
    """
    assert isinstance(network, TokenPrior)
    rows, scale = order.rows, order.conditions.guidance
    conditions = order.conditions._replace(guidance=torch.ones_like(scale))
    twice = bool((scale != 1.0).any())
    if twice:
        conditions = joined(conditions, without_conditions(conditions))
    listener = _Listener(network, conditions, cached and network.steps)

    def next_logits(before: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
        if not twice:
            return listener.hear(before)
        both = listener.hear(np.concatenate((before, before)))
        return guided(both[:rows], both[rows:], scale.double().cpu().numpy())

    def uniform(position: int, shape: tuple[int, int]) -> NDArray[np.float64]:
        drawn: NDArray[np.float64] = (
            torch.special.ndtr(order.noise(position, shape).double()).cpu().numpy()
        )
        return drawn

    shape = rows, network.codebooks, order.length
    codes = autoregressive(
        next_logits, shape, network.codebook_size, uniform, sampling, order.on_step
    )
    positions = order.length + network.codebooks - 1
    return Drawn(torch.from_numpy(codes).to(scale.device), positions * (1 + twice))


class _Listener:
    """A prior that is told codes position by position and answers with the next ones' logits."""

    def __init__(self, network: TokenPrior, conditions: Conditions, cached: bool) -> None:
        self.network, self.conditions, self.cached = network, conditions, cached
        self.state: Any = None
        self.heard: list[Tensor] = []

    def hear(self, before: NDArray[np.int64]) -> NDArray[np.float32]:
        """(B, K) codes of the position before to the logits (B, K, N)."""
        told = torch.from_numpy(before.copy()).to(self.conditions.category.device)[:, :, None]
        if self.cached:
            logits, self.state = self.network.step(told, self.conditions, self.state)
        else:
            self.heard.append(told)
            logits = self.network.logits(torch.cat(self.heard, dim=2), self.conditions)
        last: NDArray[np.float32] = logits[..., -1].cpu().numpy()
        return last


def prior(
    settings: Settings, make: NetworkBuilder, codec: Any | None, info: DataInfo
) -> TokenPrior:
    """A prior over the data's codes, of the recipe's network. RecipeError for other data."""
    if info.codebook_size < 1:
        raise RecipeError('framework autoregressive needs codes; use [data] name = "codes"')
    return TokenPrior(make, info.network(), info.codebook_size, settings.width)


def build(settings: Settings, parts: Parts) -> Autoregressive:
    """Build the framework."""
    return Autoregressive(settings, parts)


SPEC = Spec(
    "autoregressive",
    Settings,
    build,
    frozenset({SEQUENCE, CAUSAL}),
    network=prior,
    data=("codes",),
    paper="van den Oord et al. 2017 (arXiv 1711.00937), Esser et al. 2021 (arXiv 2012.09841)",
)
