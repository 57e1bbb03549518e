"""Amount and delta: how much of what a denoiser takes out is really taken out, and that alone.

    delta = (1 - floor) (dry - clean)          floor = 10^(-amount / 20)
    wet   = dry - delta                        so wet + delta = dry

Where the denoiser keeps nothing, wet is dry at the floor: ``amount`` dB down and no further.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadRange

Array = NDArray[np.float32]

DEFAULT_AMOUNT_DB = 30.0
MOST_AMOUNT_DB = 96.0


def check_amount(amount_db: float) -> float:
    """The amount, or BadRange unless it is 0 to MOST_AMOUNT_DB."""
    if not (math.isfinite(amount_db) and 0.0 <= amount_db <= MOST_AMOUNT_DB):
        raise BadRange(
            f"amount is {amount_db:g} dB; expected 0 (nothing is removed) to {MOST_AMOUNT_DB:g}"
        )
    return amount_db


def delta(dry: Array, clean: Array, amount_db: float) -> Array:
    """What is taken out of dry, unrounded."""
    share = np.float32(1.0 - 10.0 ** (-check_amount(amount_db) / 20.0))
    return np.asarray(share * (dry - clean), np.float32)


def on_grid(removed: Array) -> Array:
    """Rounded to 24 bits: of sounds of up to 24 bits, wet and delta then add up to the bit."""
    return np.asarray(np.rint(removed * np.float32(2**23)) * np.float32(2.0**-23), np.float32)
