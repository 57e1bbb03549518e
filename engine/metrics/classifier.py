"""Which category a sound is: linear discriminant analysis, trained on real sounds' embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Classifier", "train_classifier"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Classifier:
    """Scores are linear in the embedding; the highest wins. classes: category indices."""

    classes: Indices
    weights: Floats  # (E, classes)
    offsets: Floats  # (classes,)

    def predict(self, embeddings: Floats) -> Indices:
        """(N, E) -> (N,) category indices."""
        scores = embeddings @ self.weights + self.offsets
        return np.asarray(self.classes[scores.argmax(axis=1)], dtype=np.int64)


def train_classifier(embeddings: Floats, categories: Indices, shrinkage: float = 0.1) -> Classifier:
    """Fisher's discriminant with a pooled covariance, shrunk towards a multiple of the identity.

    embeddings (N, E); categories (N,). All categories count as equally likely.
    """
    classes = np.unique(categories)
    means = np.stack([embeddings[categories == c].mean(axis=0) for c in classes])
    centred = embeddings - means[np.searchsorted(classes, categories)]
    pooled = centred.T @ centred / max(1, len(embeddings) - len(classes))
    level = np.trace(pooled) / len(pooled)
    shrunk = (1.0 - shrinkage) * pooled + shrinkage * level * np.eye(len(pooled))
    weights = np.linalg.solve(shrunk, means.T)
    offsets = -0.5 * np.einsum("ce,ec->c", means, weights)
    return Classifier(np.asarray(classes, dtype=np.int64), weights, offsets)
