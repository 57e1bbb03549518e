"""The adapted voice's conditioning: the base's scales, with ranks and examples of the new words."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.training.latent_shard import read_latents
from engine.voice_format import ABSENT, RANKS, Conditioning

MOST_EXAMPLES = 96
_LEAST_SOUNDS = 12  # of a category, for ranks of its own
_POINTS = (0.05, 0.25, 0.5, 0.75, 0.95)
assert len(_POINTS) == RANKS

Floats = npt.NDArray[np.float64]


def conditioning(base: Conditioning, latents: Path, style: int) -> Conditioning:
    """Scales for a voice that was adapted to the sounds of a latent shard.

    style: index of the category that all sounds are called. Words that too few sounds share take
    their ranks from the style. Examples are the training sounds as they were, not their versions.
    """
    table = read_latents(latents)
    categories = tuple(str(name) for name in table["categories"])
    trained = ~table["held_out"]
    # of each sound and word the first row: the sound as it is
    rows = np.flatnonzero(trained)
    pairs = table["row"][rows] * len(categories) + table["category"][rows]
    rows = rows[np.unique(pairs, return_index=True)[1]]
    category = table["category"][rows]
    found = table["descriptors"][rows].astype(np.float64)
    ranks, examples = dict(base.ranks), {}
    of_style = _ranks(found[category == style])
    for index in np.unique(category).tolist():
        members = found[category == index]
        own = _ranks(members) if len(members) >= _LEAST_SOUNDS else of_style
        ranks[categories[index]] = own
        examples[categories[index]] = _examples(members)
    examples[""] = examples[categories[style]]
    return dataclasses.replace(base, categories=categories, ranks=ranks, examples=examples)


def _ranks(members: Floats) -> tuple[tuple[float, ...], ...]:
    """For each descriptor the _POINTS of (N, K); where it is absent, the scale itself."""
    rows = []
    for column in members.T:
        known = column[np.isfinite(column)]
        points = np.quantile(known, _POINTS) if known.size else np.array(_POINTS)
        rows.append(tuple(float(value) for value in points))
    return tuple(rows)


def _examples(members: Floats) -> tuple[tuple[float, ...], ...]:
    """At most MOST_EXAMPLES rows of (N, K), evenly spread."""
    chosen = members[np.linspace(0, len(members) - 1, min(len(members), MOST_EXAMPLES)).astype(int)]
    known = np.where(np.isfinite(chosen), np.round(chosen, 4), ABSENT)
    return tuple(tuple(float(value) for value in row) for row in known)
