"""How many generated sounds are copies of training sounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.metrics.sets import nearest

__all__ = ["QUANTILE", "Copies", "copies"]

Floats = npt.NDArray[np.float64]

QUANTILE = 0.01  # of held-out sounds' distances: a generator that copies nothing scores this


@dataclass(frozen=True)
class Copies:
    """What counts as a copy: a sound nearer to a training sound than held-out sounds are.

    training: (M, E) embeddings. below_db: the distance, root mean square, in their unit.
    """

    training: Floats
    below_db: float

    def rate(self, made: Floats) -> float:
        """Share of (N, E) that are copies."""
        return float((nearest(made, self.training) < self.below_db).mean())


def copies(training: Floats, held_out: Floats, quantile: float = QUANTILE) -> Copies:
    """The threshold: the quantile of held-out sounds' distances to the nearest training sound.

    So held-out sounds themselves score about `quantile`, and training sounds score 1.
    """
    return Copies(training, float(np.quantile(nearest(held_out, training), quantile)))
