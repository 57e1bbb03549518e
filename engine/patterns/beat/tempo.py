"""The tempo of a rhythm, from the times at which its sounds begin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SLOWEST, FASTEST = 60.0, 190.0
_USUAL, _SPREAD = 108.0, 0.55  # octaves: of two tempi that fit alike, the more usual one
_STEP = 0.05
USUAL_BPM = 120.0


def estimate_bpm(times_s: Sequence[float], weights: Sequence[float]) -> float:
    """Beats a minute in 60..190; 120 when there are fewer than three onsets.

    For each tempo, how well the onsets agree on a grid of sixteenths, of eighths and of beats
    (the length of the mean vector of their phases), weighted by how usual the tempo is.
    """
    if len(times_s) < 3:
        return USUAL_BPM
    times = np.asarray(times_s) - times_s[0]
    weight = np.asarray(weights) / np.sum(weights)
    tempi = np.arange(SLOWEST, FASTEST, _STEP)
    usual = np.exp(-0.5 * (np.log2(tempi / _USUAL) / _SPREAD) ** 2)
    fit = np.zeros(len(tempi))
    for grid, share in ((4, 0.6), (2, 0.3), (1, 0.25)):
        turns = np.exp(2j * np.pi * grid * np.outer(tempi / 60.0, times))
        # The first sound is on the grid: phases count from it.
        fit += share * np.maximum((turns.real * weight).sum(axis=1), 0.0)
    return float(np.round(tempi[int(np.argmax(fit * usual))], 2))
