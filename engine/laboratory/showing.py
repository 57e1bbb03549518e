"""Let a run be seen and heard: held-out sounds above what its model makes, as PNG and WAV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.conditioning.frames import sketch_of
from engine.laboratory.model import Model
from engine.training.audio_shard import AudioSettings, AudioShard
from engine.training.oneshots import SAMPLE_RATE
from engine.training.preview import sheet, write_png, write_wav
from engine.training.resampling import resample

__all__ = ["quick", "show"]

Sound = NDArray[np.float32]
_COLUMNS = 8
_SEED = 7
_MANY_STEPS = 50  # a default sampler that takes more is too slow for a look
_SNR_DB = 10.0  # of what a denoiser is shown


def quick(model: Model) -> str:
    """The default sampler, or the one with the fewest steps above one when that takes many."""
    first = next(iter(model.samplers))
    if model.samplers[first] <= _MANY_STEPS:
        return first
    several = {name: steps for name, steps in model.samplers.items() if steps > 1}
    return min(several, key=several.__getitem__)


def show(model: Model, sounds: Path, folder: Path) -> None:
    """Write sounds.png and sounds.wav to ``folder``; ``sounds`` is an audio shard.

    Above: held-out sounds of different categories (noisy ones for a denoiser). Below: what the
    model makes of them, of their categories, or of their sketches.
    """
    rate = model.sample_rate
    window = -(-model.length * SAMPLE_RATE // rate)
    shard = AudioShard(AudioSettings(frames=window), sounds)
    batch = shard.held_out(_COLUMNS)
    given = [resample(s, shard.sample_rate, rate)[: model.length] for s in batch.x[:, 0].numpy()]
    if model.kind == "generates":
        frames = None
        if model.condition.kind == "sketch":
            seconds = model.opened.hop_frames / model.sample_rate
            curves = [sketch_of(s, model.sample_rate, frame_seconds=seconds) for s in given]
            frames = np.stack(curves)
        asked = batch.category.numpy()
        made = model.generate(asked, seed=_SEED, sampler=quick(model), frames=frames).audio
    else:
        if model.kind == "denoises":
            rng = np.random.default_rng(_SEED)
            given = [_noisy(sound, rng) for sound in given]
        made = model.render(given, seed=_SEED, sampler=quick(model)).audio
    columns = [[_loud(a), _loud(b)] for a, b in zip(given, made, strict=True)]
    write_png(folder / "sounds.png", sheet(columns))
    whole = np.concatenate([sound for column in columns for sound in column])
    write_wav(folder / "sounds.wav", whole, model.sample_rate)


def _noisy(sound: Sound, rng: np.random.Generator) -> Sound:
    level = np.sqrt((sound**2).mean()) * 10 ** (-_SNR_DB / 20)
    return np.asarray(sound + level * rng.standard_normal(sound.size), np.float32)


def _loud(sound: Sound) -> Sound:
    """Within -1..1, so that it can be drawn."""
    return np.asarray(sound / max(1.0, float(np.abs(sound).max())), np.float32)
