"""Search for a short variance schedule that suits a trained network (WaveGrad, section 4)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["search_betas"]


def search_betas(
    score: Callable[[npt.NDArray[np.float64]], float],
    *,
    steps: int = 6,
    digits: int = 3,
    low: float = 1e-6,
    high: float = 1.0,
    on_trial: Callable[[int, int], None] = lambda _done, _of: None,
) -> tuple[npt.NDArray[np.float64], float]:
    """Try every schedule of a grid; return the best one's betas (steps,) and its score.

    The range low .. high is cut into `steps` bands of equal ratio, and beta n is one of `digits`
    evenly spaced (in the logarithm) values in band n: a schedule is a number of `steps` digits in
    base `digits`, and digits ** steps schedules are tried; all of them rise.

    score(betas): smaller is better, such as the distance of spectra of sounds drawn with these
    betas from the true ones; NaN never wins. on_trial(done, of) follows each trial.
    Raises ValueError for an empty grid, betas outside (0, 1), or when no score is a number.
    """
    if steps < 1 or digits < 1:
        raise ValueError(f"steps and digits must be at least 1, not {steps} and {digits}")
    if not 0.0 < low < high <= 1.0:
        raise ValueError(f"expected 0 < low < high <= 1, not low {low} and high {high}")
    places = np.arange(steps * digits, dtype=np.float64) / (steps * digits)
    bands = (low * (high / low) ** places).reshape(steps, digits)
    best, least = None, math.inf
    count = digits**steps
    for trial, number in enumerate(itertools.product(range(digits), repeat=steps)):
        betas = bands[np.arange(steps), list(number)]
        value = float(score(betas))
        if value < least:
            best, least = betas, value
        on_trial(trial + 1, count)
    if best is None:
        raise ValueError(f"none of the {count} schedules has a finite score")
    return best, least
