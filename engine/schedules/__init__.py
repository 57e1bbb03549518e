"""Noise schedules: how much noise training adds, and which levels a sampler visits.

Two scales of time are in use; every sampler's list of times is on one of them.

| scale     | noisy sound             | pure noise at | used by                    |
|-----------|-------------------------|---------------|----------------------------|
| sigma     | x = x_0 + sigma eps     | sigma -> inf  | all of diffusion           |
| flow time | x = (1 - t) x_0 + t eps | t = 1         | flow matching, consistency |

DDPM's variance-preserving x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps is the sigma scale
with x_t = x / sqrt(1 + sigma^2) and sigma^2 = (1 - alpha_bar) / alpha_bar; the flow's x is
x / (1 + sigma) with t = sigma / (1 + sigma). Both are exact, so samplers are written once, in
sigma. All arithmetic is float64.
"""

from __future__ import annotations

from engine.schedules.betas import (
    BETAS,
    DIFFWAVE_FAST_BETAS,
    WAVEGRAD_FAST_BETAS,
    alpha_bar,
    cosine_betas,
    diffwave_betas,
    linear_betas,
    wavegrad_betas,
)
from engine.schedules.flow import MAX_STEPS, flow_times, shift_time
from engine.schedules.search import search_betas
from engine.schedules.sigmas import (
    alpha_bar_from_sigma,
    flow_time_from_sigma,
    geometric_sigmas,
    karras_sigmas,
    log_snr_from_sigma,
    noise_level_from_sigma,
    sigma_from_alpha_bar,
    sigma_from_flow_time,
    sigma_from_log_snr,
    vp_sigmas,
)
from engine.schedules.steps import aligned_timesteps, respaced

__all__ = [
    "BETAS",
    "DIFFWAVE_FAST_BETAS",
    "MAX_STEPS",
    "WAVEGRAD_FAST_BETAS",
    "aligned_timesteps",
    "alpha_bar",
    "alpha_bar_from_sigma",
    "cosine_betas",
    "diffwave_betas",
    "flow_time_from_sigma",
    "flow_times",
    "geometric_sigmas",
    "karras_sigmas",
    "linear_betas",
    "log_snr_from_sigma",
    "noise_level_from_sigma",
    "respaced",
    "search_betas",
    "shift_time",
    "sigma_from_alpha_bar",
    "sigma_from_flow_time",
    "sigma_from_log_snr",
    "vp_sigmas",
    "wavegrad_betas",
]
