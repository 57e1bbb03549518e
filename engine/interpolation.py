"""Ways between two sounds: great circles for noise, straight lines for latents.

A normal draw in many dimensions lies near a sphere; a straight line would leave it, a great
circle does not (White 2016, arXiv 1609.04468). Arrays are NumPy's, of any shape; t = 0 gives
exactly ``a`` and t = 1 exactly ``b``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Way", "linear", "row", "slerp"]

Array = NDArray[np.floating[Any]]
Way = Callable[[Array, Array, float], Array]
"""(a, b, t) -> what lies between two arrays of one shape, t in 0..1."""

_PARALLEL = 1e-6  # sine of the angle below which the great circle is not defined


def linear(a: Array, b: Array, t: float) -> Array:
    """(1 - t) a + t b, for latents. Raises ValueError when the shapes differ."""
    _check(a, b)
    if t in (0.0, 1.0):
        return (b if t else a).copy()
    return np.asarray((1.0 - t) * a + t * b, a.dtype)


def slerp(a: Array, b: Array, t: float) -> Array:
    """Along the great circle through a and b, for noise (Shoemake 1985, section 3.3).

    The angle is that between the whole arrays as vectors, in float64. Equal, opposite or zero
    arrays have no one circle: they are joined by a line. Raises ValueError when the shapes differ.
    """
    _check(a, b)
    if t in (0.0, 1.0):
        return (b if t else a).copy()
    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    size = float(np.linalg.norm(x) * np.linalg.norm(y))
    cosine = float(np.clip(x @ y / size, -1.0, 1.0)) if size else 1.0
    angle = float(np.arccos(cosine))
    if np.sin(angle) < _PARALLEL:
        return linear(a, b, t)
    mixed = (np.sin((1.0 - t) * angle) * x + np.sin(t * angle) * y) / np.sin(angle)
    return np.asarray(mixed.reshape(a.shape), a.dtype)


def row(a: Array, b: Array, points: int, way: Way) -> Array:
    """(points, *shape): evenly spaced from ``a`` to ``b``, both included.

    Raises ValueError for fewer than 2 points.
    """
    if points < 2:
        raise ValueError(f"a row of {points} points; expected at least 2, the two ends")
    return np.stack([way(a, b, k / (points - 1)) for k in range(points)])


def _check(a: Array, b: Array) -> None:
    if a.shape != b.shape:
        raise ValueError(f"cannot go from shape {a.shape} to {b.shape}; expected equal shapes")
