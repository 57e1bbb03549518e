"""Batches of audio crops from a prepared shard (engine.training.prepare), lightly augmented.

A recipe may ask for a lower rate (engine.training.shards keeps such a shard), for louder samples,
and for conditions along time, which are measured from each crop (engine.conditioning.frames).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from engine.codecs.emphasis import Emphasis
from engine.codecs.shaping import flattened
from engine.conditioning.descriptors import DESCRIPTORS, normalise
from engine.conditioning.frames import FrameSettings, mel_frames, place
from engine.errors import DataError, RecipeError
from engine.frameworks import Batch, DataInfo
from engine.registry import Spec
from engine.training.categories import CATEGORIES
from engine.training.resampling import resampled_shard
from engine.training.sources import step_rng
from engine.training.tables import check_table, check_windows

Array = NDArray[np.float32]


@dataclass(frozen=True)
class AudioSettings:
    """How sounds become training crops."""

    frames: int = 32_768  # samples a crop
    onset_share: float = 0.75  # crops that start at the sound's start
    pitch_share: float = 0.4  # crops that are transposed ...
    pitch_semitones: float = 5.0  # ... by at most this much, either way
    layer_share: float = 0.15  # crops that are two sounds at once
    quiet_share: float = 0.5  # crops that are turned down ...
    quiet_db: float = 18.0  # ... by at most this much
    balance: float = 0.5  # 0: every sound alike; 1: every category alike
    sample_rate: int = 0  # of x; 0 = the shard's own
    gain: float = 1.0  # on every sample: diffusion wants about unit variance
    labels: bool = True  # false: neither categories nor descriptors, for unconditional models
    condition: FrameSettings = field(default_factory=FrameSettings)
    emphasis: Emphasis = field(default_factory=Emphasis)


class AudioShard:
    """A Source of audio: x is (B, 1, frames)."""

    def __init__(self, settings: AudioSettings, path: Path) -> None:
        kind, hop = settings.condition.kind, settings.condition.hop
        if kind == "sketch" or (kind and settings.frames % hop):
            raise RecipeError(
                f"data audio: condition {kind!r} with hop {hop} for crops of {settings.frames} "
                "samples; expected mel or place, with frames a multiple of hop (sketches go with "
                "latents)"
            )
        placed = "condition 'place'" if kind == "place" else ""
        if settings.emphasis.decay_seconds:
            placed = placed or "an emphasis that decays"
        if placed and settings.onset_share < 1.0:
            raise RecipeError(
                f"data audio: {placed} with onset_share {settings.onset_share}; expected "
                "1.0, because a crop from elsewhere has no known place"
            )
        self.settings = settings
        table: dict[str, Any] = read_shard(path)
        if settings.sample_rate not in (0, int(table["sample_rate"])):
            table = resampled_shard(table, settings.sample_rate)
        self.audio = table["audio"]
        self.start, self.length = table["start"], table["length"]
        self.category = table["category"]
        self.group = table["group"]
        self.names = table["name"]
        self.sample_rate = int(table["sample_rate"])
        self.descriptors = normalise(table["descriptors"], table["quantiles"]).astype(np.float32)
        self.train_rows = np.flatnonzero(~table["held_out"])
        self.held_rows = np.flatnonzero(table["held_out"])
        counts = np.bincount(self.category[self.train_rows], minlength=len(CATEGORIES))
        weight = counts[self.category[self.train_rows]] ** -float(settings.balance)
        self.weight = weight / weight.sum()

    @property
    def info(self) -> DataInfo:
        """What the data is."""
        s = self.settings
        labels = (CATEGORIES, DESCRIPTORS) if s.labels else ((), ())
        return DataInfo(self.sample_rate, 1, s.frames, *labels, frame_channels=s.condition.channels)

    def sound(self, row: int) -> Array:
        """Return sound ``row`` whole, (T,) float32."""
        begin = int(self.start[row])
        part = self.audio[begin : begin + int(self.length[row])]
        return np.asarray(part / np.float32(32767.0), np.float32)

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """Return augmented training crops."""
        rng = step_rng(seed, step)
        rows = rng.choice(self.train_rows, size, p=self.weight)
        return self._batch(rows, [self._crop(int(row), rng) for row in rows])

    def held_out(self, size: int) -> Batch:
        """Return held-out sounds from their start, spread over the categories."""
        rows = self.held_rows if self.held_rows.size else self.train_rows
        order = step_rng(0, 0, stream=9).permutation(rows)
        # one of each category first, then another of each, ...
        rank = np.zeros(order.size, np.int64)
        for category in np.unique(self.category[order]):
            members = np.flatnonzero(self.category[order] == category)
            rank[members] = np.arange(members.size)
        rows = order[np.argsort(rank, kind="stable")][:size]
        return self._batch(rows, [self._fit(self.sound(int(row))) for row in rows])

    def _batch(self, rows: NDArray[np.int64], crops: list[Array]) -> Batch:
        s = self.settings
        category = self.category[rows].astype(np.int64)
        descriptors = self.descriptors[rows]
        if not s.labels:
            category, descriptors = np.full_like(category, -1), descriptors[:, :0]
        told, crops = self._conditions(crops)
        x = s.emphasis.emphasised(np.stack(crops), self.sample_rate)
        return Batch(
            x=torch.from_numpy(np.float32(s.gain) * x)[:, None],
            lengths=torch.from_numpy(np.minimum(self.length[rows], s.frames).astype(np.int64)),
            category=torch.from_numpy(category),
            descriptors=torch.from_numpy(descriptors),
            frames=None if told is None else torch.from_numpy(told),
        )

    def _conditions(self, crops: list[Array]) -> tuple[Array | None, list[Array]]:
        """Frames (B, M, L) that the network is told, and what it then makes of the crops."""
        told, rate = self.settings.condition, self.sample_rate
        if told.kind == "place":
            curves = place(crops[0].size // told.hop, rate, told.hop)
            return np.repeat(curves[None], len(crops), axis=0), crops
        if told.kind != "mel":
            return None, crops
        frames = [mel_frames(crop, rate, told) for crop in crops]
        if told.shaped:
            pairs = zip(crops, frames, strict=True)
            crops = [flattened(crop, bands, rate, told.hop) for crop, bands in pairs]
        return np.stack(frames), crops

    def _fit(self, sound: Array) -> Array:
        frames = self.settings.frames
        return np.pad(sound[:frames], (0, max(0, frames - sound.size)))

    def _crop(self, row: int, rng: np.random.Generator) -> Array:
        s = self.settings
        sound = self.sound(row)
        if rng.random() < s.pitch_share:
            sound = transpose(sound, rng.uniform(-s.pitch_semitones, s.pitch_semitones))
        if rng.random() >= s.onset_share:
            if sound.size > s.frames // 2 and rng.random() < 0.5:
                sound = sound[int(rng.integers(0, sound.size - s.frames // 4)) :]
            else:
                sound = np.pad(sound, (int(rng.integers(0, s.frames // 4)), 0))
        crop = self._fit(sound)
        if rng.random() < s.layer_share:
            other = self._fit(self.sound(int(rng.choice(self.train_rows))))
            crop = crop + np.float32(rng.uniform(0.2, 1.0)) * other
            crop = crop / np.float32(max(1.0, float(np.abs(crop).max()) / 0.95))
        if rng.random() < s.quiet_share:
            crop = crop * np.float32(10 ** (-rng.uniform(0, s.quiet_db) / 20))
        return crop if rng.random() < 0.5 else -crop


def transpose(sound: Array, semitones: float) -> Array:
    """Play (T,) audio faster or slower, by four-point cubic interpolation."""
    ratio = 2.0 ** (semitones / 12.0)
    padded = np.pad(sound, (1, 3))
    at = np.arange(max(1, int((sound.size - 1) / ratio))) * ratio
    whole = at.astype(np.int64)
    u = (at - whole).astype(np.float32)
    a, b, c, d = (padded[whole + k] for k in range(4))
    out = b + 0.5 * u * (c - a + u * (2 * a - 5 * b + 4 * c - d + u * (3 * (b - c) + d - a)))
    return np.asarray(out, np.float32)


def read_shard(path: Path) -> dict[str, NDArray[Any]]:
    """Read an audio shard; DataError when it is missing, broken or something else."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            table = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, MemoryError, BadZipFile) as error:
        raise DataError(f"cannot read audio shard {path}: {error}") from error
    if "audio" not in table or "held_out" not in table:
        raise DataError(f"{path} is not an audio shard; make one with `train prepare`")
    check_table(path, table, "audio")
    return table


def build(settings: AudioSettings, path: Path) -> AudioShard:
    """Open the shard at ``path``; RecipeError for windows of no length."""
    check_windows(settings.frames)
    return AudioShard(settings, path)


SPEC = Spec("audio", AudioSettings, build)
