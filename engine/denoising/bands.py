"""How the bins of a spectrum become the bands that a denoiser's network sees, and back.

Music wants every bin where its partials lie close, and few where they lie far apart: the lowest
quarter of the bins stand alone, the next quarter go in pairs, the upper half in fours. The bin at
half the rate belongs to the last band.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def bands_of(bins: int) -> int:
    """Number of bands of ``bins`` bins; bins - 1 must be a multiple of 16."""
    whole = bins - 1
    if whole < 16 or whole % 16:
        raise ValueError(f"{bins} bins; expected one more than a multiple of 16")
    return whole // 2


def banded(spectrum: Array) -> Array:
    """Means over the bins of each band: (..., bins) to (..., bands)."""
    whole = spectrum.shape[-1] - 1
    quarter = whole // 4
    lead = spectrum.shape[:-1]
    pairs = spectrum[..., quarter : 2 * quarter].reshape(*lead, -1, 2).mean(axis=-1)
    fours = spectrum[..., 2 * quarter : whole].reshape(*lead, -1, 4).mean(axis=-1)
    out = np.concatenate((spectrum[..., :quarter], pairs, fours), axis=-1)
    return np.asarray(out, np.float32)


@lru_cache(maxsize=8)
def band_of_bin(bins: int) -> NDArray[np.int64]:
    """The band in which each bin lies, (bins,)."""
    quarter = (bins - 1) // 4
    pairs, fours = np.arange(quarter // 2), np.arange(quarter // 2)
    parts = (
        np.arange(quarter),
        quarter + np.repeat(pairs, 2),
        quarter + quarter // 2 + np.repeat(fours, 4),
        np.array([2 * quarter - 1]),
    )
    return np.concatenate(parts).astype(np.int64)
