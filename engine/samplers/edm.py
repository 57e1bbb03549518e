"""EDM's stochastic sampler, on the sigma scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.denoisers import ArrayT, Denoiser

__all__ = ["edm"]

_MOST = 2.0**0.5 - 1.0  # of a sigma's increase in one step: the variance at most doubles


def edm(
    denoise: Denoiser[ArrayT],
    x: ArrayT,
    times: Sequence[float],
    noise: Callable[[int], ArrayT],
    on_step: Callable[[int, int], None],
    *,
    churn: float = 20.0,
    churn_from: float = 0.05,
    churn_to: float = 50.0,
    inflation: float = 1.003,
) -> ArrayT:
    """Heun's method after adding a little noise at each step (EDM, Karras et al. 2022, alg. 2).

    | paper   | here       |                                              |
    |---------|------------|----------------------------------------------|
    | S_churn | churn      | noise added over the whole run; 0 is `heun`  |
    | S_tmin  | churn_from | sigmas between which noise is added          |
    | S_tmax  | churn_to   |                                              |
    | S_noise | inflation  | deviation of the added noise                 |
    """
    steps = len(times) - 1
    for step in range(steps):
        sigma, sigma_next = times[step], times[step + 1]
        if churn > 0.0 and churn_from <= sigma <= churn_to:
            raised = sigma * (1.0 + min(churn / steps, _MOST))
            x = x + noise(step + 1) * (inflation * (raised**2 - sigma**2) ** 0.5)
            sigma = raised
        slope = (x - denoise(x, sigma)) / sigma
        guess = x + slope * (sigma_next - sigma)
        if sigma_next > 0.0:
            slope_next = (guess - denoise(guess, sigma_next)) / sigma_next
            guess = x + (slope + slope_next) * (0.5 * (sigma_next - sigma))
        x = guess
        on_step(step + 1, steps)
    return x
