"""Multistep solvers of the probability-flow equation: second order at one network call a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log

from engine.denoisers import ArrayT, Denoiser

__all__ = ["dpmpp_2m"]


def dpmpp_2m(
    denoise: Denoiser[ArrayT],
    x: ArrayT,
    times: Sequence[float],
    noise: Callable[[int], ArrayT],
    on_step: Callable[[int, int], None],
) -> ArrayT:
    """DPM-Solver++(2M) (Lu et al. 2022, alg. 2). Draws no noise.

    With lambda = -log sigma and h its step, x <- e^-h x + (1 - e^-h) D', where D' extrapolates
    the last two denoised sounds to the middle of the step. The last step, to 0, is of first order.
    """
    steps = len(times) - 1
    before: ArrayT | None = None
    h_before = 0.0
    for step in range(steps):
        sigma, sigma_next = times[step], times[step + 1]
        denoised = denoise(x, sigma)
        guess = denoised
        if sigma_next > 0.0:
            h = log(sigma / sigma_next)
            if before is not None:
                guess = denoised + (denoised - before) * (0.5 * h / h_before)
            h_before = h
        kept = sigma_next / sigma
        x = x * kept + guess * (1.0 - kept)
        before = denoised
        on_step(step + 1, steps)
    return x
