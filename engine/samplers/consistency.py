"""The few-step sampler of consistency models."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.denoisers import ArrayT, Denoiser, add_noise

__all__ = ["consistency"]


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
