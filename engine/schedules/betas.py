"""Variance schedules of discrete diffusion: how much noise each of T steps adds.

| paper (Ho et al. 2020)          | here                                        |
|---------------------------------|---------------------------------------------|
| beta_t, t = 1 .. T              | betas[i], i = t - 1 = 0 .. T - 1: timestep i |
| alpha_t = 1 - beta_t            | not kept                                    |
| alpha_bar_t = prod alpha_s      | alpha_bar(betas)[i]                         |
| sqrt(alpha_bar_t) (WaveGrad)    | noise level                                 |

Every schedule is a float64 array (T,) in (0, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

__all__ = [
    "BETAS",
    "DIFFWAVE_FAST_BETAS",
    "WAVEGRAD_FAST_BETAS",
    "alpha_bar",
    "cosine_betas",
    "diffwave_betas",
    "linear_betas",
    "wavegrad_betas",
]

Float64s = npt.NDArray[np.float64]

DIFFWAVE_FAST_BETAS = (1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5)
"""DiffWave's six steps (Kong et al. 2021, appendix B)."""

WAVEGRAD_FAST_BETAS = (7e-6, 1.4e-4, 2.1e-3, 2.8e-2, 3.5e-1, 7e-1)
"""Six steps in use for WaveGrad; a schedule searched for one's own network does better."""

_MOST = 0.999  # a cosine schedule would end in beta = 1, where nothing of x_0 is left


def linear_betas(steps: int, start: float = 1e-4, end: float = 0.02) -> Float64s:
    """Evenly rising variances (Ho et al. 2020, section 4; their steps are 1000).

    Raises ValueError for less than one step or betas outside (0, 1).
    """
    if steps < 1:
        raise ValueError(f"a schedule has at least 1 step, not {steps}")
    if not 0.0 < start <= end < 1.0:
        raise ValueError(f"betas must rise within (0, 1), not from {start} to {end}")
    return np.linspace(start, end, steps, dtype=np.float64)


def cosine_betas(steps: int, offset: float = 0.008) -> Float64s:
    """alpha_bar falls as a squared cosine (Nichol & Dhariwal 2021, eq. 17); betas at most 0.999."""
    if steps < 1:
        raise ValueError(f"a schedule has at least 1 step, not {steps}")
    done = np.arange(steps + 1, dtype=np.float64) / steps
    level = np.cos((done + offset) / (1.0 + offset) * (np.pi / 2.0)) ** 2
    betas: Float64s = np.minimum(1.0 - level[1:] / level[:-1], _MOST)
    return betas


def diffwave_betas(steps: int = 50) -> Float64s:
    """DiffWave's training schedule, 1e-4 to 0.05 (Kong et al. 2021, section 5)."""
    return linear_betas(steps, 1e-4, 0.05)


def wavegrad_betas(steps: int = 1000) -> Float64s:
    """WaveGrad's training schedule, 1e-6 to 0.01 (Chen et al. 2021, section 4)."""
    return linear_betas(steps, 1e-6, 0.01)


BETAS: Mapping[str, Callable[[int], Float64s]] = {
    "linear": linear_betas,
    "cosine": cosine_betas,
    "diffwave": diffwave_betas,
    "wavegrad": wavegrad_betas,
}
"""The schedules that a recipe may name; each takes the number of steps."""


def alpha_bar(betas: npt.ArrayLike) -> Float64s:
    """Share of x_0's power that is left after each step: (T,), falling, in (0, 1).

    Raises ValueError when a beta lies outside (0, 1).
    """
    variances = np.asarray(betas, dtype=np.float64)
    if variances.ndim != 1 or not variances.size or not np.all((variances > 0) & (variances < 1)):
        raise ValueError(f"betas must be one or more numbers in (0, 1), not {betas!r}")
    return np.cumprod(1.0 - variances, dtype=np.float64)
