"""What drawing new things from a trained network gives back, and the noise it begins with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

__all__ = ["Drawn", "normal_rows"]


class Drawn(NamedTuple):
    """x: (B, C, L) of the kind the network was trained on. nfe: network evaluations a row."""

    x: Tensor
    nfe: int


def normal_rows(
    rng: np.random.Generator, rows: int, channels: int, frames: int, device: torch.device
) -> Tensor:
    """Standard normal noise (rows, channels, frames) float32, the same on every machine.

    A row is drawn after the other and each in order of time.
    """
    drawn = rng.standard_normal((rows, frames, channels), dtype=np.float32)
    return torch.from_numpy(np.ascontiguousarray(drawn.transpose(0, 2, 1))).to(device)
