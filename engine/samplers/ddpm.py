"""Samplers of denoising diffusion, on the sigma scale.

Dividing DDPM's x_t by sqrt(alpha_bar_t) leaves q(x_s | x_t, x_0) normal with

    mean = r x_t + (1 - r) x_0,  variance = sigma_s^2 (1 - r),  r = (sigma_s / sigma_t)^2,

which is DDPM's posterior (Ho et al. 2020, eqs. 6-7) for any two noise levels, neighbours or not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.denoisers import ArrayT, Denoiser

__all__ = ["ancestral", "ddim"]


def ancestral(
    denoise: Denoiser[ArrayT],
    x: ArrayT,
    times: Sequence[float],
    noise: Callable[[int], ArrayT],
    on_step: Callable[[int, int], None],
) -> ArrayT:
    """Ancestral sampling with the posterior's own variance (DDPM, Ho et al. 2020, alg. 2).

    The last step, to 0, adds no noise.
    """
    steps = len(times) - 1
    for step in range(steps):
        sigma, sigma_next = times[step], times[step + 1]
        kept = (sigma_next / sigma) ** 2
        x = x * kept + denoise(x, sigma) * (1.0 - kept)
        if sigma_next > 0.0:
            posterior_std = sigma_next * (1.0 - kept) ** 0.5
            x = x + noise(step + 1) * posterior_std
        on_step(step + 1, steps)
    return x


def ddim(
    denoise: Denoiser[ArrayT],
    x: ArrayT,
    times: Sequence[float],
    noise: Callable[[int], ArrayT],
    on_step: Callable[[int, int], None],
    *,
    eta: float = 0.0,
) -> ArrayT:
    """Implicit sampling (DDIM, Song et al. 2021, eqs. 12 and 16).

    eta: share of the posterior's deviation that is drawn anew; 0 is deterministic and draws no
    noise, 1 is ancestral sampling.
    """
    steps = len(times) - 1
    for step in range(steps):
        sigma, sigma_next = times[step], times[step + 1]
        denoised = denoise(x, sigma)
        eps = (x - denoised) / sigma
        fresh = eta * sigma_next * (1.0 - (sigma_next / sigma) ** 2) ** 0.5
        x = denoised + eps * (sigma_next**2 - fresh**2) ** 0.5
        if fresh > 0.0:
            x = x + noise(step + 1) * fresh
        on_step(step + 1, steps)
    return x
