"""Let a run be seen and heard: its learning curve, held-out sounds and what its model makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.conditioning.frames import sketch_of
from engine.laboratory.model import Model
from engine.laboratory.training import curve
from engine.training.audio_shard import AudioSettings, AudioShard
from engine.training.oneshots import SAMPLE_RATE
from engine.training.preview import sheet, write_png, write_wav
from engine.training.resampling import resample

__all__ = ["curve_picture", "quick", "show"]

Sound = NDArray[np.float32]
_COLUMNS = 8
_SEED = 7
_MANY_STEPS = 50  # a default sampler that takes more is too slow for a look
_CURVE_HEIGHT, _CURVE_WIDTH = 200, 480
_SNR_DB = 10.0  # of what a denoiser is shown


def quick(model: Model) -> str:
    """The default sampler, or the one with the fewest steps above one when that takes many."""
    first = next(iter(model.samplers))
    if model.samplers[first] <= _MANY_STEPS:
        return first
    several = {name: steps for name, steps in model.samplers.items() if steps > 1}
    return min(several, key=several.__getitem__)


def show(model: Model, sounds: Path, folder: Path) -> None:
    """Write sounds.png, sounds.wav and curve.png to the run's ``folder``.

    sounds: an audio shard. Above stand held-out sounds of different categories, noisy ones for a
    denoiser; below what the model makes of them, of their categories, or of their sketches.
    """
    rows = curve(folder)
    if rows:
        write_png(folder / "curve.png", curve_picture(rows))
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


def curve_picture(rows: Sequence[Mapping[str, float]]) -> NDArray[np.uint8]:
    """Draw what a run minimised over its steps, each phase a line: logarithmic, from the left up.

    Grey lines are halvings of the highest value.
    """
    grey = np.zeros((_CURVE_HEIGHT, _CURVE_WIDTH), np.uint8)
    names = [name for name in rows[0] if name.split(".")[-1] == "total"]
    known = [max(abs(row[name]), 1e-6) for row in rows for name in names if name in row]
    if not known:
        return grey
    top, bottom = np.log2(max(known)), np.log2(min(known)) - 0.1
    last = max(row["step"] for row in rows)

    def line_of(value: NDArray[np.float64] | float) -> NDArray[np.int64]:
        share = (top - np.log2(np.maximum(value, 1e-6))) / max(top - bottom, 1e-9)
        return np.asarray(np.clip(share, 0, 1) * (_CURVE_HEIGHT - 1), np.int64)

    for halving in range(int(top - bottom) + 1):
        grey[line_of(2.0 ** (top - halving))] = 60
    columns = np.arange(_CURVE_WIDTH)
    for name in names:
        told = [(row["step"], abs(row[name])) for row in rows if name in row]
        at, values = np.array(told).T
        drawn = line_of(np.interp(columns, at * (_CURVE_WIDTH - 1) / last, values))
        for column, (a, b) in enumerate(zip(drawn, np.roll(drawn, -1), strict=True)):
            end = b if column + 1 < _CURVE_WIDTH else a
            grey[min(a, end) : max(a, end) + 1, column] = 255
    return grey


def _noisy(sound: Sound, rng: np.random.Generator) -> Sound:
    level = np.sqrt((sound**2).mean()) * 10 ** (-_SNR_DB / 20)
    return np.asarray(sound + level * rng.standard_normal(sound.size), np.float32)


def _loud(sound: Sound) -> Sound:
    """Within -1..1, so that it can be drawn."""
    return np.asarray(sound / max(1.0, float(np.abs(sound).max())), np.float32)
