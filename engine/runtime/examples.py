"""What a sound is like where a request does not say: as one of the voice's own examples.

A voice adapted to a few sounds knows what they were like. Drawing one of them by the seed gives
the variety of the sounds it learned from, which its noise alone does not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.voice_format import ABSENT, Conditioning

__all__ = ["filled"]

_SPREAD = 0.02  # of ranks: no two sounds are asked for alike
_NEAREST = 0.125  # share of the examples that what was said chooses from
_FEWEST = 3
_LEVEL = "loudness"  # left alone: sounds are brought to one level unless it is asked for


def filled(
    table: Conditioning, category: str | None, ranks: dict[str, float], seed: int, index: int
) -> dict[str, float]:
    """``ranks`` (descriptor -> 0..1) and, for what they do not say, those of one example.

    The example is drawn by (seed, index) from the category's, among the nearest where something
    is said. A voice without examples adds nothing.
    """
    rows = table.examples.get(category or "")
    if not rows:
        return ranks
    examples = np.asarray(rows)
    # the stream of a draw of noise that no sampler comes to (engine.samplers.noise)
    bits = np.random.Philox(key=seed + (index << 64), counter=((1 << 64) - 1) << 192)
    rng = np.random.Generator(bits)
    said = [name for name in table.descriptors if name in ranks]
    chosen = int(rng.choice(_candidates(examples, table, said, ranks)))
    moved = rng.uniform(-_SPREAD, _SPREAD, len(table.descriptors))
    out = dict(ranks)
    for place, name in enumerate(table.descriptors):
        value = examples[chosen, place]
        if name not in ranks and name != _LEVEL and value != ABSENT:
            out[name] = float(np.clip(value + moved[place], 0.0, 1.0))
    return out


def _candidates(
    examples: npt.NDArray[np.float64],
    table: Conditioning,
    said: list[str],
    ranks: dict[str, float],
) -> npt.NDArray[np.int64]:
    """Rows of the examples that come nearest to what is said; all when nothing is."""
    if not said:
        return np.arange(len(examples))
    places = [table.descriptors.index(name) for name in said]
    wanted = np.array([ranks[name] for name in said])
    there = examples[:, places]
    gaps = np.where(there == ABSENT, 1.0, there - wanted)
    count = max(_FEWEST, round(_NEAREST * len(examples)))
    return np.argsort((gaps**2).sum(axis=1), kind="stable")[:count]
