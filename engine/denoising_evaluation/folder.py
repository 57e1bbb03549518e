"""A prepared folder of test sounds: speech/, noise/, oneshots/CATEGORY/, instruments/, mixes/.

Every subfolder may be missing; what is missing is made instead. Files below 32 kHz are used only
where there are no others: a denoiser would be measured in bands that its sounds do not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.audio_files import read_audio, resample
from engine.denoising.split import held_out_noise, held_out_sound, held_out_speech
from engine.denoising_evaluation.instruments import GAP_SECONDS
from engine.denoising_evaluation.noises import Floats
from engine.errors import DataError

__all__ = ["Folder"]

SUBFOLDERS = ("speech", "noise", "oneshots", "instruments", "mixes")
_ENDINGS = {".wav", ".flac", ".aif", ".aiff", ".ogg"}
_FULL_BAND_HZ = 32_000
_REST_SECONDS = 0.4  # between two pieces


@dataclass(frozen=True)
class Folder:
    """The folder; DataError when it is none, or holds nothing of SUBFOLDERS."""

    path: Path

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            raise DataError(
                f"--data {self.path}: no such folder; expected a folder with {_names()}"
            )
        if not any(self.files(name) for name in SUBFOLDERS):
            raise DataError(
                f"--data {self.path}: no audio files in {_names()}; put some there, or leave "
                "--data out, and sounds are made"
            )

    def files(self, kind: str) -> list[Path]:
        """Audio files of a subfolder, sorted, full-band ones if there are any.

        Those kept from training (engine.denoising.split) if there are any; of noise all.
        """
        return _files(self.path, kind)

    def never_trained(self, files: Sequence[Path]) -> bool:
        """Whether a noise family of these files is kept from training."""
        return any(held_out_noise(path.name) for path in files)

    def families(self) -> dict[str, list[Path]]:
        """Noise family (a word of the file's name) -> its files."""
        found: dict[str, list[Path]] = {}
        for path in self.files("noise"):
            found.setdefault(_family(path), []).append(path)
        return found

    def pieces(
        self, rng: np.random.Generator, files: Sequence[Path], samples: int, rate: int
    ) -> Floats:
        """Random files one after another with rests, after GAP_SECONDS of silence, (T,) mono."""
        out = np.zeros(samples)
        at = round(GAP_SECONDS * rate)
        for index in _endless(rng, len(files)):
            if at >= samples:
                return out
            sound = self.sound(files[index], rate)[: samples - at]
            if not np.any(sound):
                raise DataError(f"{files[index]}: is silent; remove it from the test sounds")
            fade = min(sound.size, rate // 100)
            sound = sound.copy()
            sound[-fade:] *= np.linspace(1, 0, fade)
            out[at : at + sound.size] += sound
            at += sound.size + round(_REST_SECONDS * rate)
        return out

    def stretch(
        self, rng: np.random.Generator, files: Sequence[Path], samples: int, rate: int
    ) -> Floats:
        """A random stretch of a random file, (T,) mono; a short file is repeated."""
        sound = self.sound(files[int(rng.integers(len(files)))], rate)
        if sound.size < samples:
            sound = np.tile(sound, -(-samples // sound.size))
        begin = int(rng.integers(sound.size - samples + 1))
        return sound[begin : begin + samples]

    def sound(self, path: Path, rate: int) -> Floats:
        """A file at ``rate``, channels averaged, peak 1."""
        audio, own_rate = read_audio(path)
        mono = resample(audio.mean(axis=0, keepdims=True), own_rate, rate)[0]
        return np.asarray(mono, np.float64) / max(1e-9, float(np.abs(mono).max()))


def _names() -> str:
    return ", ".join(f"{name}/" for name in SUBFOLDERS)


def _files(root: Path, kind: str) -> list[Path]:
    import soundfile

    folder = root / kind
    if not folder.is_dir():
        return []
    everything = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _ENDINGS)
    if not everything:
        return []
    kept = held_out_speech if kind == "speech" else held_out_sound
    apart = [path for path in everything if kept(str(path.relative_to(root)))]
    chosen = apart if apart and kind != "noise" else everything
    rates = {}
    for path in chosen:
        try:
            rates[path] = soundfile.info(path).samplerate
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise DataError(
                f"{path}: cannot be read as audio ({error}); remove or mend it"
            ) from None
    full = [path for path in chosen if rates[path] >= _FULL_BAND_HZ]
    return full or chosen


def _family(path: Path) -> str:
    """ "home_aircon_0" -> "aircon": the name without a source in front and a number behind."""
    name = re.sub(r"[_\- ]*\d+$", "", path.stem.lower())
    return name.split("_", 1)[-1] if "_" in name else name


def _endless(rng: np.random.Generator, count: int) -> Iterator[int]:
    """Indices below ``count`` in random order, again and again."""
    while True:
        yield from rng.permutation(count).tolist()
