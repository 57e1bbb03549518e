"""Deterministic samplers of the flow's ordinary differential equation dx/dt = (x - D) / t."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.denoisers import ArrayT, Denoiser

__all__ = ["euler", "heun"]


def euler(
    denoise: Denoiser[ArrayT],
    x: ArrayT,
    times: Sequence[float],
    noise: Callable[[int], ArrayT],
    on_step: Callable[[int, int], None],
) -> ArrayT:
    """Euler's method: one network call a step. Draws no noise."""
    steps = len(times) - 1
    for step in range(steps):
        t, t_next = times[step], times[step + 1]
        slope = (x - denoise(x, t)) / t
        x = x + slope * (t_next - t)
        on_step(step + 1, steps)
    return x


def heun(
    denoise: Denoiser[ArrayT],
    x: ArrayT,
    times: Sequence[float],
    noise: Callable[[int], ArrayT],
    on_step: Callable[[int, int], None],
) -> ArrayT:
    """Heun's second-order method: two network calls a step, one in the last (Karras 2022, alg. 1).

    Draws no noise.
    """
    steps = len(times) - 1
    for step in range(steps):
        t, t_next = times[step], times[step + 1]
        slope = (x - denoise(x, t)) / t
        guess = x + slope * (t_next - t)
        if t_next > 0.0:
            slope_next = (guess - denoise(guess, t_next)) / t_next
            guess = x + (slope + slope_next) * (0.5 * (t_next - t))
        x = guess
        on_step(step + 1, steps)
    return x
