"""Batches of codes from a code shard: x is (B, K, L) int64."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from engine.frameworks import DataInfo
from engine.registry import Spec
from engine.training.frame_shard import FrameShard, WindowSettings, read_frames
from engine.training.tables import check_windows


class CodeShard(FrameShard):
    """A Source of codes; channels are the quantiser's stages."""

    def __init__(self, settings: WindowSettings, path: Path) -> None:
        table = read_frames(path, "codes")
        silence = table["silence"].astype(np.int64)
        super().__init__(settings, table, table["codes"], silence)
        self.codebook_size = int(table["codebook_size"])

    @property
    def info(self) -> DataInfo:
        """What the data is; codebook_size says how many codes there are."""
        return dataclasses.replace(super().info, codebook_size=self.codebook_size)


def build(settings: WindowSettings, path: Path) -> CodeShard:
    """Open the shard at ``path``; RecipeError for windows of no length."""
    check_windows(*settings.frames)
    return CodeShard(settings, path)


SPEC = Spec("codes", WindowSettings, build)
