"""Noise schedules: which times a sampler visits.

Time t is the flow-matching time: x_t = (1 - t) x_0 + t eps, so t = 1 is pure noise and t = 0 is
clean (Liu et al. 2022, "Flow straight and fast"; Lipman et al. 2022). All arithmetic is float64.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_STEPS", "flow_times", "shift_time"]

MAX_STEPS = 1000
"""No sampler here gains anything from more steps; larger numbers are a caller's mistake."""

Float64s = npt.NDArray[np.float64]


def shift_time(times: Float64s, shift: float) -> Float64s:
    """Moves times towards noise (shift > 1) or towards the sound (shift < 1).

    t' = s t / (1 + (s - 1) t), Esser et al. 2024 (SD3) eq. 23. Keeps 0 and 1 in place.
    """
    if not shift > 0.0:
        raise ValueError(f"time shift must be above 0, not {shift}; 1.0 leaves times as they are")
    return shift * times / (1.0 + (shift - 1.0) * times)


def flow_times(steps: int, *, start: float = 1.0, shift: float = 1.0) -> tuple[float, ...]:
    """The steps + 1 descending times a sampler visits: from `start` down to exactly 0.

    steps: network calls, 1 to MAX_STEPS. start: (0, 1], 1 is from pure noise, less is "vary".
    Raises ValueError for anything outside these ranges.
    """
    if not 1 <= steps <= MAX_STEPS:
        raise ValueError(f"steps must be from 1 to {MAX_STEPS}, not {steps}")
    if not 0.0 < start <= 1.0:
        raise ValueError(f"start time must be above 0 and at most 1, not {start}")
    even = np.linspace(1.0, 0.0, steps + 1, dtype=np.float64)
    times = shift_time(even, shift) * start
    return tuple(float(t) for t in times)
