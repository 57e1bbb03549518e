"""How networks see a complex spectrum, and how they say one: levels and directions.

After Vocos (Siuzdak 2023, arXiv 2306.00814): log-magnitude and phase as a direction.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# Magnitudes below FLOOR (about -80 dBFS of noise) are silence: see spectrum_of.
FLOOR = 1e-4


def compressed(spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """Spectrum (B, 2, bins, frames) to (itself / sqrt of its magnitude, the magnitude).

    The first has the spectrum's shape, the magnitude is (B, bins, frames).
    """
    magnitude = torch.sqrt(spectrum.square().sum(1) + 1e-10)
    return spectrum / torch.sqrt(magnitude + FLOOR)[:, None], magnitude


def features(spectrum: Tensor) -> Tensor:
    """What networks see: (B, 2, bins, frames) to (B, 3 bins, frames), all of order one.

    The compressed real parts, then the imaginary parts, then the log-magnitudes.
    """
    small, magnitude = compressed(spectrum)
    level = (torch.log(magnitude + FLOOR) + 5.0) / 4.0
    return torch.cat([small[:, 0], small[:, 1], level], dim=1)


def spectrum_of(level: Tensor, real: Tensor, imaginary: Tensor, floored: bool) -> Tensor:
    """A head's log-magnitude and direction, each (B, bins, frames), as (B, 2, bins, frames).

    The direction is normalised. floored: FLOOR is taken off every magnitude, so that silence is
    exactly zero; networks do so when not training.
    """
    magnitude = torch.exp(level.clamp(max=4.0))
    if floored:
        magnitude = F.relu(magnitude - FLOOR)
    length = torch.sqrt(real.square() + imaginary.square() + 1e-8)
    return torch.stack([magnitude * real / length, magnitude * imaginary / length], dim=1)
