"""Parameterisations: how a raw network output becomes the denoised latent D(x_t, t).

| paper (rectified flow)        | here                          |
|-------------------------------|-------------------------------|
| X_1 (data), X_0 (noise)       | x_0 (clean), eps (noise)      |
| X_t = t X_1 + (1 - t) X_0     | x_t = (1 - t) x_0 + t eps     |
| v(X_t, t) = X_1 - X_0         | v = eps - x_0 (sign reversed) |

Everything is plain arithmetic, so the same code runs on NumPy arrays and on torch tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

__all__ = ["Array", "ArrayT", "Denoiser", "FlowDenoiser", "add_noise", "denoised_from_velocity"]


class Array(Protocol):
    """What NumPy arrays and torch tensors have in common here."""

    def __add__(self, other: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Any: ...
    def __mul__(self, other: Any, /) -> Any: ...
    def __rmul__(self, other: Any, /) -> Any: ...
    def __truediv__(self, other: Any, /) -> Any: ...


ArrayT = TypeVar("ArrayT", bound=Array)

Denoiser = Callable[[ArrayT, float], ArrayT]
"""D(x, t): the clean latent expected under the noisy latent x (B, D, L) at time t in [0, 1]."""


def add_noise(clean: ArrayT, noise: ArrayT, t: float) -> ArrayT:
    """x_t = (1 - t) x_0 + t eps; both arrays of one shape."""
    noisy: ArrayT = clean * (1.0 - t) + noise * t
    return noisy


def denoised_from_velocity(x: ArrayT, t: Any, velocity: ArrayT) -> ArrayT:
    """D(x, t) = x - t v. `t` is a float, or an array that broadcasts over x: (B, 1, 1)."""
    denoised: ArrayT = x - velocity * t
    return denoised


class FlowDenoiser:
    """Wraps a velocity network v(x, t) so that a sampler sees only D(x, t)."""

    def __init__(self, velocity: Callable[[Any, float], Any]) -> None:
        self._velocity = velocity

    def __call__(self, x: Any, t: float) -> Any:
        return denoised_from_velocity(x, t, self._velocity(x, t))
