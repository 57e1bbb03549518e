"""Ways between two sounds of one model: noise on a great circle, latents on a line."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.codecs.stft_vae import StftVae
from engine.frameworks.sampling import Noise
from engine.interpolation import linear, row, slerp
from engine.laboratory.noise import row_noise
from engine.networks.autoencoder import Autoencoder

__all__ = ["between_sounds", "noise_between"]

Sound = NDArray[np.float32]


def noise_between(first: int, second: int, points: int, device: str) -> Noise:
    """Noise whose row k lies k / (points - 1) of the way from one seed's to the other's.

    Every draw is asked for with ``points`` rows.
    """
    ends = row_noise(first, 0, "cpu"), row_noise(second, 0, "cpu")

    def noise(draw: int, shape: tuple[int, ...]) -> Tensor:
        a, b = (end(draw, (1, *shape[1:]))[0].numpy() for end in ends)
        return torch.from_numpy(row(a, b, points, slerp)).to(device)

    return noise


def between_sounds(
    autoencoder: Autoencoder, codec: StftVae, device: str, first: Sound, second: Sound, points: int
) -> list[Sound]:
    """``points`` decoded sounds from one (T,) to another; the shorter is followed by silence."""
    length = max(first.size, second.size)
    padded = np.stack([np.pad(sound, (0, length - sound.size)) for sound in (first, second)])
    latents = codec.encode(autoencoder, torch.from_numpy(padded)[:, None].to(device)).cpu().numpy()
    way = torch.from_numpy(row(latents[0], latents[1], points, linear)).to(device)
    return list(codec.decode(autoencoder, way)[:, 0, :length].cpu().numpy())
