"""Whether generated sounds lie where real ones do, and everywhere they do: k-NN manifolds.

A set's manifold is the union of balls around its members, each as large as the distance to the
member's k-th nearest neighbour in the set.

| figure    | share of ...                                   | paper               |
|-----------|------------------------------------------------|---------------------|
| precision | made sounds in at least one real ball          | Kynkäänniemi 2019   |
| recall    | real sounds in at least one made ball          | Kynkäänniemi 2019   |
| density   | real balls around a made sound, divided by k   | Naeem et al. 2020   |
| coverage  | real balls that hold at least one made sound   | Naeem et al. 2020   |

Of two equal distributions density is 1 on average and coverage near 1 - 2^-k. Density may
exceed 1; outliers among the real sounds inflate precision, but hardly density.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.metrics.sets import squared_distances

__all__ = ["NEIGHBOURS", "Manifolds", "expected_coverage", "manifolds"]

Floats = npt.NDArray[np.float64]

NEIGHBOURS = 5  # as Naeem et al. recommend


@dataclass(frozen=True)
class Manifolds:
    """The four figures; the table above says what they are."""

    precision: float
    recall: float
    density: float
    coverage: float


def manifolds(real: Floats, made: Floats, k: int = NEIGHBOURS) -> Manifolds:
    """Compares two sets, (N, E) and (M, E). Raises ValueError unless both have more than k."""
    if min(len(real), len(made)) <= k:
        raise ValueError(f"{len(real)} and {len(made)} points; expected more than k = {k} of each")
    between = np.sqrt(squared_distances(real, made))
    in_real = between <= _radii(real, k)[:, None] * (1.0 + 1e-9)
    in_made = between <= _radii(made, k)[None, :] * (1.0 + 1e-9)
    return Manifolds(
        precision=float(in_real.any(axis=0).mean()),
        recall=float(in_made.any(axis=1).mean()),
        density=float(in_real.sum() / (k * len(made))),
        coverage=float(in_real.any(axis=1).mean()),
    )


def expected_coverage(real: int, made: int, k: int = NEIGHBOURS) -> float:
    """The mean coverage when both sets come from one distribution (Naeem et al. 2020, eq. 10).

    1 - (M - 1)...(M - k) / ((N + M - 1)...(N + M - k)) with N real, M made sounds.
    """
    factors = [(real - i) / (made + real - i) for i in range(1, k + 1)]
    return float(1.0 - np.prod(factors))


def _radii(points: Floats, k: int) -> Floats:
    """Distance of each point to its k-th nearest neighbour in the same set."""
    table = squared_distances(points, points)
    np.fill_diagonal(table, np.inf)
    return np.asarray(np.sqrt(np.partition(table, k - 1, axis=1)[:, k - 1]))
