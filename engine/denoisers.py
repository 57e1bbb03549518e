"""Parameterisations: how a raw network output F becomes the denoised sound D(x, time).

On the sigma scale x = x_0 + sigma eps, every parameterisation has the form (Karras et al. 2022,
eq. 7)

    D(x, sigma) = skip x + out F(inward x, noise_cond(sigma))

| F answers | skip          | out           | inward        | paper         |
|-----------|---------------|---------------|---------------|---------------|
| eps       | 1             | -sigma        | a             | Ho 2020       |
| v         | a^2           | -sigma a      | a             | Salimans 2022 |
| x_0       | 0             | 1             | a             | Salimans 2022 |
| eps - x_0 | 1 / (1+sigma) | -t            | 1 / (1+sigma) | Liu 2022      |
| EDM's mix | (d e)^2       | sigma d e     | e             | Karras 2022   |

a = 1 / sqrt(1 + sigma^2), e = 1 / sqrt(sigma^2 + d^2), d the data's deviation, t the flow time.
Inward x is what the network sees: DDPM's variance-preserving x_t for
the first three, the flow's x_t for the fourth. On the flow's own scale:

| paper (rectified flow)        | here                          |
|-------------------------------|-------------------------------|
| X_1 (data), X_0 (noise)       | x_0 (clean), eps (noise)      |
| X_t = t X_1 + (1 - t) X_0     | x_t = (1 - t) x_0 + t eps     |
| v(X_t, t) = X_1 - X_0         | v = eps - x_0 (sign reversed) |

Everything is plain arithmetic, so the same code runs on NumPy arrays and on torch tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

__all__ = [
    "PARAMETERISATIONS",
    "Array",
    "ArrayT",
    "Denoiser",
    "FlowDenoiser",
    "Parameterisation",
    "Scaling",
    "SigmaDenoiser",
    "add_noise",
    "denoised_from_velocity",
    "edm_scaling",
    "eps_scaling",
    "flow_scaling",
    "plain_scaling",
    "raw_target",
    "residual_scaling",
    "v_scaling",
    "x0_scaling",
]


class Array(Protocol):
    """What NumPy arrays and torch tensors have in common here."""

    def __add__(self, other: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Any: ...
    def __mul__(self, other: Any, /) -> Any: ...
    def __rmul__(self, other: Any, /) -> Any: ...
    def __truediv__(self, other: Any, /) -> Any: ...


ArrayT = TypeVar("ArrayT", bound=Array)

Denoiser = Callable[[ArrayT, float], ArrayT]
"""D(x, time): the clean sound expected under the noisy x (B, D, L), time a sigma or a flow time."""


class Scaling(NamedTuple):
    """D = skip x + out F(inward x) at one sigma: floats, or arrays that broadcast over x."""

    skip: Any
    out: Any
    inward: Any


Parameterisation = Callable[[Any], Scaling]
"""Scaling of a sigma: a float, or an array that broadcasts over x, such as (B, 1, 1)."""


def eps_scaling(sigma: Any) -> Scaling:
    """F answers the noise (Ho et al. 2020, eq. 12)."""
    return Scaling(1.0, -sigma, (1.0 + sigma * sigma) ** -0.5)


def v_scaling(sigma: Any) -> Scaling:
    """F answers v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x_0 (Salimans & Ho 2022, app. D)."""
    inward = (1.0 + sigma * sigma) ** -0.5
    return Scaling(inward * inward, -sigma * inward, inward)


def x0_scaling(sigma: Any) -> Scaling:
    """F answers the clean sound and sees DDPM's x_t."""
    return Scaling(0.0, 1.0, (1.0 + sigma * sigma) ** -0.5)


def plain_scaling(sigma: Any) -> Scaling:
    """F answers the clean sound and sees x as it is: a denoising autoencoder (Vincent 2008)."""
    return Scaling(0.0, 1.0, 1.0)


def residual_scaling(sigma: Any) -> Scaling:
    """F answers minus the noise and sees x as it is: what to add (Zhang et al. 2017, DnCNN)."""
    return Scaling(1.0, 1.0, 1.0)


def flow_scaling(sigma: Any) -> Scaling:
    """F answers the flow's velocity eps - x_0 and sees its x_t, t = sigma / (1 + sigma)."""
    inward = 1.0 / (1.0 + sigma)
    return Scaling(inward, -sigma * inward, inward)


def edm_scaling(sigma: Any, data_std: float = 0.5) -> Scaling:
    """F sees and answers unit variance at every sigma (Karras et al. 2022, table 1)."""
    inward = (sigma * sigma + data_std * data_std) ** -0.5
    return Scaling((data_std * inward) ** 2, sigma * data_std * inward, inward)


PARAMETERISATIONS: Mapping[str, Parameterisation] = {
    "eps": eps_scaling,
    "v": v_scaling,
    "x0": x0_scaling,
}
"""The objectives that a DDPM recipe may name."""


def raw_target(scaling: Scaling, sigma: Any, clean: ArrayT, noise: ArrayT) -> ArrayT:
    """What F should answer for x = clean + sigma noise, so that D is the clean sound.

    F = ((1 - skip) x_0 - skip sigma eps) / out (Karras et al. 2022, eq. 8, rearranged).
    """
    wanted: ArrayT = clean * ((1.0 - scaling.skip) / scaling.out) - noise * (
        scaling.skip * sigma / scaling.out
    )
    return wanted


class SigmaDenoiser:
    """Wraps a network F(x, noise_cond) so that a sampler sees only D(x, sigma).

    noise_cond: the number that the network knows a sigma by, such as DDPM's timestep.
    """

    def __init__(
        self,
        network: Callable[[Any, float], Any],
        parameterisation: Parameterisation,
        noise_cond: Callable[[float], float],
    ) -> None:
        self._network = network
        self._parameterisation = parameterisation
        self._noise_cond = noise_cond

    def __call__(self, x: Any, sigma: float) -> Any:
        scaling = self._parameterisation(sigma)
        raw = self._network(x * scaling.inward, self._noise_cond(sigma))
        return x * scaling.skip + raw * scaling.out


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
