"""Noise on the sigma scale, x = x_0 + sigma eps, and what the other scales call it.

Conversions take floats or float64 arrays and are each other's exact inverses.

| here           | in sigma                | whose                            |
|----------------|-------------------------|----------------------------------|
| alpha_bar      | 1 / (1 + sigma^2)       | DDPM (Ho et al. 2020)            |
| noise level    | 1 / sqrt(1 + sigma^2)   | WaveGrad (Chen et al. 2021)      |
| log-SNR        | -2 log sigma            | Kingma et al. 2021; x_0 of var. 1 |
| flow time t    | sigma / (1 + sigma)     | rectified flow (Liu et al. 2022) |
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.schedules.betas import alpha_bar

__all__ = [
    "alpha_bar_from_sigma",
    "flow_time_from_sigma",
    "geometric_sigmas",
    "karras_sigmas",
    "log_snr_from_sigma",
    "noise_level_from_sigma",
    "sigma_from_alpha_bar",
    "sigma_from_flow_time",
    "sigma_from_log_snr",
    "vp_sigmas",
]

Float64s = npt.NDArray[np.float64]


def alpha_bar_from_sigma(sigma: npt.ArrayLike) -> Float64s:
    """DDPM's alpha_bar of a sigma."""
    return 1.0 / (1.0 + np.square(np.asarray(sigma, dtype=np.float64)))


def sigma_from_alpha_bar(alpha_bar: npt.ArrayLike) -> Float64s:
    """Sigma of DDPM's alpha_bar in (0, 1]."""
    kept = np.asarray(alpha_bar, dtype=np.float64)
    return np.sqrt((1.0 - kept) / kept)


def noise_level_from_sigma(sigma: npt.ArrayLike) -> Float64s:
    """WaveGrad's noise level, sqrt(alpha_bar): 1 is clean, 0 pure noise."""
    return np.sqrt(alpha_bar_from_sigma(sigma))


def log_snr_from_sigma(sigma: npt.ArrayLike) -> Float64s:
    """Natural logarithm of the signal's power over the noise's, for x_0 of variance 1."""
    return -2.0 * np.log(np.asarray(sigma, dtype=np.float64))


def sigma_from_log_snr(log_snr: npt.ArrayLike) -> Float64s:
    """Sigma of a log-SNR."""
    return np.exp(-0.5 * np.asarray(log_snr, dtype=np.float64))


def flow_time_from_sigma(sigma: npt.ArrayLike) -> Float64s:
    """Flow time t in [0, 1) of a sigma; the flow's x is the sigma scale's x / (1 + sigma)."""
    noise = np.asarray(sigma, dtype=np.float64)
    return noise / (1.0 + noise)


def sigma_from_flow_time(t: npt.ArrayLike) -> Float64s:
    """Sigma of a flow time in [0, 1); at t = 1 nothing of x_0 is left and sigma is infinite."""
    times = np.asarray(t, dtype=np.float64)
    return times / (1.0 - times)


def vp_sigmas(betas: npt.ArrayLike, timesteps: Sequence[int] | None = None) -> tuple[float, ...]:
    """A sampler's descending sigmas for a variance schedule, with the 0 at the end.

    timesteps: which indices into betas to visit, ascending (engine.schedules.respaced); all by
    default. A subset has the alpha_bar of those timesteps, as Nichol & Dhariwal 2021, section 4.
    """
    sigmas = sigma_from_alpha_bar(alpha_bar(betas))
    if timesteps is not None:
        sigmas = sigmas[list(timesteps)]
    return (*(float(s) for s in sigmas[::-1]), 0.0)


def karras_sigmas(steps: int, low: float, high: float, rho: float = 7.0) -> tuple[float, ...]:
    """Steps + 1 sigmas from high down to low, then 0 (Karras et al. 2022, eq. 5).

    rho: above 1 crowds the steps towards low noise. One step goes from high to 0 at once.
    Raises ValueError unless steps >= 1 and 0 < low < high.
    """
    _check(steps, low, high)
    ramp = np.linspace(high ** (1.0 / rho), low ** (1.0 / rho), steps, dtype=np.float64)
    return (*(float(s) for s in ramp**rho), 0.0)


def geometric_sigmas(steps: int, low: float, high: float) -> tuple[float, ...]:
    """Steps + 1 sigmas from high down to low in equal factors (even in decibels), then 0.

    One step goes from high to 0 at once. Raises ValueError unless steps >= 1 and 0 < low < high.
    """
    _check(steps, low, high)
    return (*(float(s) for s in np.geomspace(high, low, steps, dtype=np.float64)), 0.0)


def _check(steps: int, low: float, high: float) -> None:
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    if not 0.0 < low < high:
        raise ValueError(f"sigmas must be 0 < low < high, not low {low} and high {high}")
