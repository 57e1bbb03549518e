"""How near a voice's sounds are to a folder's: before and after, with what can be hoped for.

Few sounds make the Fréchet distance large by chance. `chance` says how large it would be for a
perfect voice: the mean distance of two sets of these sizes, both drawn from one Gaussian with the
real sounds' covariance. `frechet` is the distance less this; `frechet_raw` is the distance itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.metrics.embedding import BANDS, MOMENTS, embed_all
from engine.metrics.manifolds import NEIGHBOURS, manifolds
from engine.metrics.sets import Axes, diversity, frechet, nearest, principal_axes
from engine.training.audio_shard import AudioShard

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

MOST_DIMENSIONS = 24
FEWEST_HELD = 6
"""Fewer held-out sounds have no covariance worth the name: only the nearest sounds are told."""

_ROUNDS = 40


@dataclass(frozen=True)
class Reference:
    """Embeddings of a folder's training and held-out sounds (N, E), and their main axes."""

    sample_rate: int
    training: Floats
    held: Floats
    axes: Axes

    @property
    def measurable(self) -> bool:
        """Whether there are enough held-out sounds for distances of sets."""
        return len(self.held) >= FEWEST_HELD

    @property
    def dimensions(self) -> int:
        """Of the Fréchet distance."""
        return len(self.axes.axes)


def reference(shard: AudioShard) -> Reference:
    """Embed a shard's sounds; the axes are those of all of them."""
    training = _embedded(shard, shard.train_rows)
    held = _embedded(shard, shard.held_rows)
    everything = np.concatenate((training, held))
    dimensions = min(MOST_DIMENSIONS, max(1, len(held) // 2), max(1, len(everything) - 1))
    return Reference(shard.sample_rate, training, held, principal_axes(everything, dimensions))


def measured(sounds: Sequence[FloatArray], real: Reference) -> dict[str, float]:
    """Figures of generated sounds (T,) each, at the reference's rate.

    nearest_train_db: median distance to the nearest training sound. With enough held-out sounds
    also frechet, frechet_raw, chance, coverage, density, nearest_held_db.
    """
    return _figures(embed_all(list(sounds), real.sample_rate), real)


def floors(real: Reference) -> dict[str, float]:
    """The same figures of the training sounds themselves: what a perfect copier would score.

    Their nearest training sound is the held-out sounds': how far unseen real sounds lie.
    """
    found = _figures(real.training, real)
    if len(real.held):
        found["nearest_train_db"] = float(np.median(nearest(real.held, real.training)))
    return found


def _figures(made: Floats, real: Reference) -> dict[str, float]:
    found = {
        "sounds": float(len(made)),
        "diversity_db": diversity(made) if len(made) > 1 else 0.0,
        "nearest_train_db": float(np.median(nearest(made, real.training))),
    }
    if not real.measurable or len(made) < 2:
        return found
    projected, held = real.axes.project(made), real.axes.project(real.held)
    raw, by_chance = frechet(projected, held), chance(real, len(made))
    neighbours = min(NEIGHBOURS, len(held) - 1, len(made) - 1)
    near = manifolds(held, projected, neighbours)
    return found | {
        "frechet": max(0.0, raw - by_chance),
        "frechet_raw": raw,
        "chance": by_chance,
        "coverage": near.coverage,
        "density": near.density,
        "nearest_held_db": float(np.median(nearest(made, real.held))),
    }


def chance(real: Reference, count: int) -> float:
    """The mean Fréchet distance of ``count`` perfect sounds from as many as are held out."""
    everything = real.axes.project(np.concatenate((real.training, real.held)))
    values, axes = np.linalg.eigh(np.atleast_2d(np.cov(everything, rowvar=False)))
    root = axes * np.sqrt(np.maximum(values, 0.0))
    rng = np.random.default_rng(0)
    scores = []
    for _ in range(_ROUNDS):
        one, other = (
            rng.standard_normal((n, len(values))) @ root.T for n in (count, len(real.held))
        )
        scores.append(frechet(one, other))
    return float(np.mean(scores))


def _embedded(shard: AudioShard, rows: npt.NDArray[np.int64]) -> Floats:
    if not len(rows):
        return np.zeros((0, BANDS * MOMENTS))
    return embed_all([shard.sound(int(row)) for row in rows], shard.sample_rate)
