"""Fewer steps than were trained: subsets of the timesteps, and timesteps between them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.schedules.betas import alpha_bar

__all__ = ["aligned_timesteps", "respaced"]


def respaced(steps: int, trained: int, spacing: str = "even") -> tuple[int, ...]:
    """Ascending timesteps to visit: `steps` of 0 .. trained - 1, the noisiest always among them.

    "even": even distances (Nichol & Dhariwal 2021, section 4). "quadratic": crowded towards the
    clean end (Song et al. 2021, DDIM, appendix D.2). Raises ValueError for another spacing, or
    unless 1 <= steps <= trained.
    """
    if not 1 <= steps <= trained:
        raise ValueError(f"steps must be from 1 to the {trained} trained ones, not {steps}")
    if spacing not in ("even", "quadratic"):
        raise ValueError(f"spacing is {spacing!r}; expected 'even' or 'quadratic'")
    if steps == 1:
        return (trained - 1,)
    power = 1 if spacing == "even" else 2
    places = np.linspace(0.0, 1.0, steps, dtype=np.float64) ** power * (trained - 1)
    chosen: list[int] = []
    for place in np.floor(places + 0.5).astype(int).tolist():
        chosen.append(max(place, chosen[-1] + 1) if chosen else place)
    return tuple(chosen)


def aligned_timesteps(
    levels: npt.ArrayLike, trained_betas: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """The fractional timestep of training whose noise level is each of `levels` (any order).

    t_align = t + (l_t - l) / (l_t - l_{t+1}), l = sqrt(alpha_bar), Kong et al. 2021, appendix B.
    Levels outside those trained take the nearest trained timestep.
    """
    trained = np.sqrt(alpha_bar(trained_betas))
    # np.interp wants rising abscissae, and noise levels fall with the timestep
    timesteps = np.arange(trained.size, dtype=np.float64)
    found = np.interp(np.asarray(levels, dtype=np.float64), trained[::-1], timesteps[::-1])
    return np.asarray(found, dtype=np.float64)
