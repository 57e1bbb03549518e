"""Compare sets of sounds by their embeddings: Fréchet distance, diversity, nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "Axes",
    "diversity",
    "frechet",
    "frechet_deviation",
    "nearest",
    "principal_axes",
    "split_half_frechet",
    "squared_distances",
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Axes:
    """The principal axes of a reference set: few dimensions, so that few sounds are enough."""

    mean: Floats  # (E,)
    axes: Floats  # (K, E), orthonormal

    def project(self, embeddings: Floats) -> Floats:
        """(N, E) -> (N, K), divided by sqrt(E): a distance is a root mean square, in dB."""
        return np.asarray((embeddings - self.mean) @ self.axes.T / np.sqrt(embeddings.shape[1]))


def principal_axes(reference: Floats, dimensions: int) -> Axes:
    """The `dimensions` axes along which the reference set (N, E) spreads most."""
    mean = reference.mean(axis=0)
    _, _, rows = np.linalg.svd(reference - mean, full_matrices=False)
    return Axes(mean, np.asarray(rows[:dimensions]))


def frechet(a: Floats, b: Floats) -> float:
    """Fréchet distance of two sets' Gaussians (Heusel et al. 2017): >= 0, 0 when they agree.

    |mean_a - mean_b|^2 + trace(C_a + C_b - 2 (C_a C_b)^(1/2)); a (N, K), b (M, K).
    """
    difference = a.mean(axis=0) - b.mean(axis=0)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = _square_root(np.atleast_2d(cov_a))
    inner = np.linalg.eigvalsh(root @ np.atleast_2d(cov_b) @ root)
    cross = np.sqrt(np.maximum(inner, 0.0)).sum()
    total = difference @ difference + np.trace(np.atleast_2d(cov_a + cov_b)) - 2.0 * cross
    return float(max(total, 0.0))


def split_half_frechet(embeddings: Floats, size: int, rounds: int, seed: int = 0) -> float:
    """Mean Fréchet distance of random disjoint subsets of one set, `size` sounds each.

    The floor: what a perfect generator would score with that many sounds.
    """
    if 2 * size > len(embeddings):
        raise ValueError(f"{len(embeddings)} sounds cannot be split into two of {size}")
    rng = np.random.default_rng(seed)
    scores = []
    for _ in range(rounds):
        order = rng.permutation(len(embeddings))
        scores.append(frechet(embeddings[order[:size]], embeddings[order[size : 2 * size]]))
    return float(np.mean(scores))


def frechet_deviation(a: Floats, b: Floats, rounds: int = 20, seed: int = 0) -> float:
    """Standard deviation of the Fréchet distance when a's sounds are drawn anew from a.

    The bootstrap (Efron 1979); what two generators must differ by, at the least, to differ.
    """
    rng = np.random.default_rng(seed)
    drawn = [frechet(a[rng.integers(0, len(a), len(a))], b) for _ in range(rounds)]
    return float(np.std(drawn))


def diversity(embeddings: Floats) -> float:
    """Mean root-mean-square distance between all pairs of a set (N, E), in its unit."""
    count, dims = embeddings.shape
    distances = np.sqrt(squared_distances(embeddings, embeddings) / dims)
    np.fill_diagonal(distances, 0.0)
    return float(distances.sum() / (count * (count - 1)))


def nearest(embeddings: Floats, reference: Floats) -> Floats:
    """For each of (N, E): root-mean-square distance to the nearest of reference (M, E)."""
    squares = squared_distances(embeddings, reference).min(axis=1)
    return np.asarray(np.sqrt(squares / embeddings.shape[1]))


def squared_distances(a: Floats, b: Floats) -> Floats:
    """Squared Euclidean distances (N, M) of (N, E) to (M, E)."""
    table = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2.0 * a @ b.T
    return np.asarray(np.maximum(table, 0.0))


def _square_root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)
