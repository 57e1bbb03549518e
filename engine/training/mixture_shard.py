"""Mixtures of sound and noise, made anew for every batch: what denoisers learn from.

x is (B, 3, frames) float32: the clean sound, the noise that was added, and another passage of the
same noise alone, as a musician would show it. Made from a shard of engine.training.mixture_sounds
and from engine.training.noises.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import DataError, RecipeError
from engine.frameworks import Batch, DataInfo
from engine.registry import Spec
from engine.training.audio_shard import transpose
from engine.training.mixture_sounds import KINDS
from engine.training.noises import NOISES
from engine.training.sources import step_rng
from engine.training.tables import check_table, check_windows

Array = NDArray[np.float32]


@dataclass(frozen=True)
class MixtureSettings:
    """What is mixed, and how loud; shares are of all mixtures, or of all noises."""

    frames: int = 92_160  # samples of a mixture
    instrument_share: float = 0.45
    drum_share: float = 0.25  # patterns, half of them under instruments
    speech_share: float = 0.2  # what is left over is noise alone
    pass_share: float = 0.1  # mixtures whose noise is faint or absent: these must pass
    lowest_snr_db: float = -6.0
    highest_snr_db: float = 28.0
    recorded_share: float = 0.35  # noises that are recordings; the others are made
    quietest_db: float = -36.0  # peak of a mixture, at most -1 dB


class Mixtures:
    """A Source of mixtures."""

    def __init__(self, settings: MixtureSettings, path: Path) -> None:
        self.settings = settings
        table = read_mixtures(path)
        self.audio, self.start, self.length = table["audio"], table["start"], table["length"]
        self.sample_rate = int(table["sample_rate"])
        held, kind = table["held_out"], table["kind"]
        self.rows = {
            (name, out): np.flatnonzero((kind == index) & (held == out))
            for index, name in enumerate(KINDS)
            for out in (False, True)
        }

    @property
    def info(self) -> DataInfo:
        """What the data is."""
        return DataInfo(self.sample_rate, 3, self.settings.frames, (), ())

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """Return mixtures of training sounds."""
        rng = step_rng(seed, step)
        return _batch([self.mixture(rng, held_out=False) for _ in range(size)])

    def held_out(self, size: int) -> Batch:
        """Return mixtures of held-out sounds and noises, always the same."""
        return _batch(
            [self.mixture(step_rng(0, row, stream=9), held_out=True) for row in range(size)]
        )

    def mixture(self, rng: np.random.Generator, *, held_out: bool) -> Array:
        """One mixture (3, frames)."""
        s = self.settings
        clean = self.clean(rng, held_out)
        noise = self.noise(rng, held_out)
        snr = rng.uniform(s.lowest_snr_db, s.highest_snr_db)
        if rng.random() < s.pass_share:
            snr = rng.uniform(32.0, 70.0)
        loudness = float(np.sqrt((clean**2).mean()))
        if loudness > 1e-5:
            noise = noise * np.float32(loudness * 10.0 ** (-snr / 20.0))
        peak = float(np.abs(clean + noise[: s.frames]).max()) + 1e-9
        gain = np.float32(10.0 ** (rng.uniform(s.quietest_db, -1.0) / 20.0) / peak)
        return np.stack((clean, noise[: s.frames], noise[s.frames :])) * gain

    def clean(self, rng: np.random.Generator, held_out: bool) -> Array:
        """A clean sound (frames,), peak up to 1; silence where there is to be noise alone."""
        s = self.settings
        drawn = rng.random()
        if drawn < s.instrument_share:
            return self._instruments(rng, held_out)
        if drawn < s.instrument_share + s.drum_share:
            pattern = self._drums(rng, held_out)
            if rng.random() < 0.5:
                pattern = pattern + np.float32(rng.uniform(0.2, 1.2)) * self._instruments(
                    rng, held_out
                )
            return pattern
        if drawn < s.instrument_share + s.drum_share + s.speech_share:
            return self._long("speech", rng, held_out, 1.5)
        return np.zeros(s.frames, np.float32)

    def noise(self, rng: np.random.Generator, held_out: bool) -> Array:
        """Noise (2 * frames,) of RMS 1, all of one kind."""
        if rng.random() < self.settings.recorded_share and self.rows["noise", held_out].size:
            # played slower or faster it is another machine, another rain
            sound = self._long("noise", rng, held_out, 9.0, 2)
            return sound / np.float32(np.sqrt((sound**2).mean()) + 1e-9)
        name = str(rng.choice(list(NOISES), p=(0.45, 0.2, 0.15, 0.13, 0.07)))
        return NOISES[name](rng, 2 * self.settings.frames, self.sample_rate)

    def _instruments(self, rng: np.random.Generator, held_out: bool) -> Array:
        out = np.zeros(self.settings.frames, np.float32)
        for _ in range(int(rng.choice((1, 1, 1, 2, 3)))):
            out += np.float32(rng.uniform(0.3, 1.0)) * self._long("instrument", rng, held_out, 4.0)
        return out

    def _drums(self, rng: np.random.Generator, held_out: bool) -> Array:
        """One-shots on a grid, each of a few sounds on its own beats."""
        out = np.zeros(self.settings.frames, np.float32)
        beat = int(self.sample_rate * rng.uniform(0.09, 0.3))
        for _ in range(int(rng.integers(1, 5))):
            sound = self._sound("drum", rng, held_out) * np.float32(rng.uniform(0.2, 1.0))
            every, first = int(rng.choice((1, 2, 3, 4, 8))), int(rng.integers(0, 4))
            for at in range(first * beat, out.size, every * beat):
                part = sound[: out.size - at]
                out[at : at + part.size] += np.float32(rng.uniform(0.5, 1.0)) * part
        return out

    def _long(
        self, kind: str, rng: np.random.Generator, held_out: bool, semitones: float, times: int = 1
    ) -> Array:
        """A stretch of a long sound (times * frames,), transposed by at most so much."""
        samples = times * self.settings.frames
        sound = self._sound(kind, rng, held_out)
        want = int(samples * 2.0 ** (semitones / 12.0)) + 8
        if sound.size < want:
            sound = np.tile(sound, -(-want // max(sound.size, 1)))
        begin = int(rng.integers(0, sound.size - want + 1))
        part = sound[begin : begin + want]
        return transpose(part, rng.uniform(-semitones, semitones))[:samples]

    def _sound(self, kind: str, rng: np.random.Generator, held_out: bool) -> Array:
        rows = self.rows[kind, held_out]
        if not rows.size:
            rows = np.concatenate([self.rows[k, held_out] for k in KINDS if k != "noise"])
        if not rows.size:
            rows = np.concatenate([self.rows[k, False] for k in KINDS if k != "noise"])
        row = int(rng.choice(rows))
        begin = int(self.start[row])
        part = self.audio[begin : begin + int(self.length[row])]
        return np.asarray(part / np.float32(32767.0), np.float32)


def _batch(mixtures: list[Array]) -> Batch:
    x = torch.from_numpy(np.stack(mixtures))
    rows = len(mixtures)
    return Batch(
        x,
        torch.full((rows,), x.shape[2], dtype=torch.int64),
        torch.full((rows,), -1, dtype=torch.int64),
        torch.zeros((rows, 0)),
    )


def read_mixtures(path: Path) -> dict[str, NDArray[Any]]:
    """Read a mixture shard; DataError when it is missing, broken or something else."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            table = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, MemoryError, BadZipFile) as error:
        raise DataError(f"cannot read mixture shard {path}: {error}") from error
    if not {"audio", "kind"} <= table.keys():
        raise DataError(f"{path} is not a mixture shard; give `train` a folder of sounds instead")
    check_table(path, table, "audio", ("kind",))
    return table


def build(settings: MixtureSettings, path: Path) -> Mixtures:
    """Open the shard at ``path``; RecipeError for windows of no length or shares beyond 1."""
    check_windows(settings.frames)
    shares = settings.instrument_share + settings.drum_share + settings.speech_share
    if not 0.0 < shares <= 1.0:
        raise RecipeError(
            f"data mixtures: shares of instruments, drums and speech add up to {shares:g}; "
            "expected more than 0, at most 1"
        )
    return Mixtures(settings, path)


SPEC = Spec("mixtures", MixtureSettings, build)
