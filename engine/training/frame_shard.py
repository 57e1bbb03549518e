"""Batches of frames that a codec made (engine.training.encode), at a few fixed lengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from engine.conditioning.frames import FrameSettings
from engine.errors import DataError, RecipeError
from engine.frameworks import Batch, DataInfo
from engine.training.sources import step_rng
from engine.training.tables import check_table

Array = NDArray[Any]


@dataclass(frozen=True)
class WindowSettings:
    """How sounds become training windows."""

    frames: tuple[int, ...] = (43, 43, 86)  # latent frames of a window, one drawn each step
    balance: float = 0.5  # 0: every sound alike; 1: every category alike
    condition: FrameSettings = field(default_factory=FrameSettings)  # none or sketch


class FrameShard:
    """A Source over frames that a codec made: x is (B, D, L), sounds followed by silence.

    values: (total, D), all sounds end to end; silence: (D,), in the dtype that x shall have.
    """

    def __init__(
        self, settings: WindowSettings, table: Mapping[str, Array], values: Array, silence: Array
    ) -> None:
        kind = settings.condition.kind
        if kind == "mel" or (kind and "sketch" not in table):
            raise RecipeError(
                f"data holds no conditions of kind {kind!r}; expected none, or sketch in a shard "
                "that was encoded with sketches: encode it again with --codec MODEL"
            )
        self.settings = settings
        self.values, self.silence = values, silence
        self.sketch = table["sketch"] if kind else None  # (total, 2)
        self.start, self.length = table["start"], table["length"]
        self.category = table["category"].astype(np.int64)
        self.descriptors = table["descriptors"].astype(np.float32)
        self.sample_rate = int(table["sample_rate"])
        self.categories = tuple(str(name) for name in table["categories"])
        self.descriptor_names = tuple(str(name) for name in table["descriptor_names"])
        held = table["held_out"]
        self.train_rows = np.flatnonzero(~held)
        self.held_rows = np.flatnonzero(held)
        counts = np.bincount(self.category[self.train_rows], minlength=len(self.categories))
        weight = counts[self.category[self.train_rows]] ** -float(settings.balance)
        self.weight = weight / weight.sum()

    @property
    def info(self) -> DataInfo:
        """What the data is; frames are latent frames."""
        return DataInfo(
            self.sample_rate,
            self.values.shape[1],
            max(self.settings.frames),
            self.categories,
            self.descriptor_names,
            frame_channels=self.settings.condition.channels,
        )

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """Return training windows of one of the lengths."""
        rng = step_rng(seed, step)
        frames = int(rng.choice(self.settings.frames))
        return self.rows(rng.choice(self.train_rows, size, p=self.weight), frames)

    def held_out(self, size: int) -> Batch:
        """Return held-out sounds (or training sounds, if none is held out), longest window."""
        rows = self.held_rows if self.held_rows.size else self.train_rows
        order = step_rng(0, 0, stream=9).permutation(rows)
        return self.rows(order[:size], max(self.settings.frames))

    def rows(self, rows: NDArray[np.int64], frames: int) -> Batch:
        """Return the sounds ``rows`` in windows of ``frames``, cut or followed by silence."""
        x = np.tile(self.silence[:, None], (len(rows), 1, frames))
        told = np.zeros((len(rows), self.settings.condition.channels, frames), np.float32)
        for i, row in enumerate(rows):
            begin, count = int(self.start[row]), min(int(self.length[row]), frames)
            x[i, :, :count] = self.values[begin : begin + count].T
            if self.sketch is not None:
                told[i, :, :count] = self.sketch[begin : begin + count].T
        return Batch(
            x=torch.from_numpy(x),
            lengths=torch.from_numpy(np.minimum(self.length[rows], frames).astype(np.int64)),
            category=torch.from_numpy(self.category[rows]),
            descriptors=torch.from_numpy(self.descriptors[rows]),
            frames=None if self.sketch is None else torch.from_numpy(told),
        )


def read_frames(path: Path, name: str) -> dict[str, Array]:
    """Read the shard whose frames are called ``name``; DataError when it is broken or another."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            table = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, MemoryError, BadZipFile) as error:
        raise DataError(f"cannot read shard of {name} {path}: {error}") from error
    if name not in table or "silence" not in table:
        kind = name.removesuffix("s")
        raise DataError(f"{path} is not a {kind} shard; make one with `train --codec MODEL`")
    check_table(path, table, name)
    return table
