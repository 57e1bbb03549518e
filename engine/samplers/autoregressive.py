"""Draw codes one position after another from next-code logits: temperature, top-k, top-p, guidance.

    next_logits(before (B, K) int64) -> (B, K, N) logits of the codes at the next position

Top-p, or nucleus: Holtzman et al. 2020 (arXiv 1904.09751), section 3.1. Classifier-free guidance
of logits: Sanchez et al. 2023 (arXiv 2306.17806), equation 7. Plain NumPy in float64; draws invert
the cumulative distribution, so that the same numbers give the same codes on every machine, up to
rounding in the logits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CodeSampling", "autoregressive", "draw", "guided", "probabilities"]

Logits = NDArray[np.floating[Any]]
Codes = NDArray[np.int64]
Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class CodeSampling:
    """How codes are chosen. The default draws from the network's own distribution.

    temperature: 0 = always the likeliest. top_k: codes kept, 0 = all. top_p: the fewest likeliest
    codes that together have this probability are kept.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if self.temperature < 0 or self.top_k < 0 or not 0 < self.top_p <= 1:
            raise ValueError(
                f"{self}; expected temperature >= 0, top_k >= 0 and top_p above 0, at most 1"
            )


def guided(conditional: Logits, unconditional: Logits, guidance: Logits) -> Logits:
    """Log-probabilities moved away from the unconditional ones; 1 = the conditional ones.

    guidance: a scale for each row of the logits (B, ...), (B,).
    """
    with_condition, without = _log_softmax(conditional), _log_softmax(unconditional)
    scale = guidance.reshape(-1, *[1] * (without.ndim - 1))
    return np.asarray(without + scale * (with_condition - without))


def probabilities(logits: Logits, sampling: CodeSampling) -> Probabilities:
    """(..., N) logits to the distribution that codes are drawn from.

    In this order: temperature, top-k, top-p, each on what the one before left. Of equal logits
    the lower index counts as likelier.
    """
    values = logits.astype(np.float64)
    order = np.argsort(-values, axis=-1, kind="stable")
    ranks = np.argsort(order, axis=-1, kind="stable")
    if sampling.temperature == 0.0:
        return np.asarray(ranks == 0, np.float64)
    share = _softmax(values / sampling.temperature)
    if sampling.top_k:
        share = np.where(ranks < sampling.top_k, share, 0.0)
        share /= share.sum(-1, keepdims=True)
    if sampling.top_p < 1.0:
        descending = np.take_along_axis(share, order, -1)
        likelier = np.cumsum(descending, -1) - descending  # of the codes before each
        kept = np.take_along_axis(likelier < sampling.top_p, ranks, -1)
        share = np.where(kept, share, 0.0)
        share /= share.sum(-1, keepdims=True)
    return np.asarray(share)


def draw(share: Probabilities, uniform: NDArray[np.float64]) -> Codes:
    """One code of each distribution (..., N), by numbers (...) in 0..1 (1 excluded)."""
    cumulative = np.cumsum(share, -1)
    below = cumulative <= uniform[..., None] * cumulative[..., -1:]
    last = share.shape[-1] - 1 - np.argmax(share[..., ::-1] > 0, axis=-1)
    return np.asarray(np.minimum(below.sum(-1), last), np.int64)


def autoregressive(
    next_logits: Callable[[Codes], Logits],
    shape: tuple[int, int, int],
    start: int,
    uniform: Callable[[int, tuple[int, int]], NDArray[np.float64]],
    sampling: CodeSampling,
    on_step: Callable[[int, int], None],
) -> Codes:
    """Draw codes of ``shape`` (B, K, L), stage k a position later than stage k - 1.

    next_logits: see the module; called L + K - 1 times, ``before`` first being all ``start``,
    which also fills the positions where a stage has not begun or is over. Guidance is in its
    logits already (see ``guided``). uniform(position, (B, K)): numbers in [0, 1), each position its
    own, so that a longer draw begins with the same codes; a NumPy generator's are
    ``lambda position, shape: rng.random(shape)``. on_step(done, positions): after every position;
    an exception it raises ends the run.
    """
    rows, stages, length = shape
    codes = np.empty(shape, np.int64)
    before = np.full((rows, stages), start, np.int64)
    positions = length + stages - 1
    for position in range(positions):
        share = probabilities(next_logits(before), sampling)
        drawn = draw(share, uniform(position, (rows, stages)))
        for k in range(stages):
            frame = position - k
            alive = 0 <= frame < length
            before[:, k] = drawn[:, k] if alive else start
            if alive:
                codes[:, k, frame] = drawn[:, k]
        on_step(position + 1, positions)
    return codes


def _softmax(values: Probabilities) -> Probabilities:
    raised = np.exp(values - values.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True))


def _log_softmax(logits: Logits) -> Logits:
    values = logits.astype(np.float64)
    values = values - values.max(-1, keepdims=True)
    return np.asarray(values - np.log(np.exp(values).sum(-1, keepdims=True)))
