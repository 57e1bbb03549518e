"""Samplers that jump to the clean sound: once, or again and again after adding noise anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.denoisers import ArrayT, Denoiser, add_noise

__all__ = ["consistency", "one_step", "walkback"]


def consistency(
    denoise: Denoiser[ArrayT],
    x: ArrayT,
    times: Sequence[float],
    noise: Callable[[int], ArrayT],
    on_step: Callable[[int, int], None],
) -> ArrayT:
    """Ping-pong: jump to clean, add fresh noise for the next time, repeat (Song 2023, alg. 1)."""
    steps = len(times) - 1
    for step in range(steps):
        t_next = times[step + 1]
        x = denoise(x, times[step])
        if t_next > 0.0:
            x = add_noise(x, noise(step + 1), t_next)
        on_step(step + 1, steps)
    return x


def walkback(
    denoise: Denoiser[ArrayT],
    x: ArrayT,
    times: Sequence[float],
    noise: Callable[[int], ArrayT],
    on_step: Callable[[int, int], None],
) -> ArrayT:
    """Denoise, corrupt, repeat, on the sigma scale: a denoising autoencoder's Markov chain.

    Bengio et al. 2013, alg. 1, with falling noise; for a consistency model Song 2023, alg. 1.
    """
    steps = len(times) - 1
    for step in range(steps):
        x = denoise(x, times[step])
        if times[step + 1] > 0.0:
            x = x + noise(step + 1) * times[step + 1]
        on_step(step + 1, steps)
    return x


def one_step(
    denoise: Denoiser[ArrayT],
    x: ArrayT,
    times: Sequence[float],
    noise: Callable[[int], ArrayT],
    on_step: Callable[[int, int], None],
) -> ArrayT:
    """One jump from times[0] to clean on either scale; times between are not visited.

    A consistency model (Song 2023), a denoising autoencoder, or any generator of x from noise.
    """
    x = denoise(x, times[0])
    on_step(1, 1)
    return x
