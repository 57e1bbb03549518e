"""Batches of latents from a latent shard: x is (B, D, L) float32."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.registry import Spec
from engine.training.frame_shard import Array, FrameShard, WindowSettings, read_frames
from engine.training.tables import check_windows


@dataclass(frozen=True)
class LatentSettings(WindowSettings):
    """How sounds become training windows of latents."""


class LatentShard(FrameShard):
    """A Source of latents; channels are latent dimensions."""

    def __init__(self, settings: LatentSettings, path: Path) -> None:
        table = read_latents(path)
        silence = table["silence"].astype(np.float32)
        super().__init__(settings, table, table["latents"], silence)


def read_latents(path: Path) -> dict[str, Array]:
    """Read a latent shard; DataError when it is missing, broken or something else."""
    return read_frames(path, "latents")


def build(settings: LatentSettings, path: Path) -> LatentShard:
    """Open the shard at ``path``; RecipeError for windows of no length."""
    check_windows(*settings.frames)
    return LatentShard(settings, path)


SPEC = Spec("latents", LatentSettings, build)
