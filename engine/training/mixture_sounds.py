"""Gather what mixtures of sound and noise are made of: instruments, drums, speech and noise.

The shard is a plain .npz (no pickle): audio int16 (all sounds end to end), start, length int64
(N,), kind int64 (N,) index into KINDS, held_out bool (N,), name str (N,), sample_rate. All are
mono at SAMPLE_RATE. A folder of sounds says by the names of its top folders what is what:
``noise``, ``speech``, and everything else are one-shots. Soundfonts add instruments and drums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.denoising.split import (
    held_out_noise,
    held_out_program,
    held_out_sound,
    held_out_speech,
)
from engine.errors import DataError
from engine.training.checkpoint import replace_file
from engine.training.instruments import render_phrases
from engine.training.oneshots import SAMPLE_RATE, from_soundfont, tidy

KINDS = ("instrument", "drum", "speech", "noise")
PHRASE_SECONDS = 16.0
_EXTENSIONS = {".wav", ".flac", ".aif", ".aiff", ".ogg", ".mp3"}

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Material:
    """One sound: (T,) float32 mono at SAMPLE_RATE, and whether training may hear it."""

    audio: Array
    kind: str
    name: str
    held_out: bool


def gather(folder: Path | None, soundfonts: Sequence[Path]) -> Iterator[Material]:
    """Yield all material of a folder and of soundfonts.

    Raises DataError when the folder is missing or nothing in it can be read.
    """
    if folder is not None:
        yield from _from_folder(folder)
    for number, soundfont in enumerate(soundfonts):
        for program, audio in render_phrases(soundfont, PHRASE_SECONDS, number):
            name = f"{soundfont.stem}/program_{program}"
            yield Material(audio, "instrument", name, held_out_program(program))
        for shot in from_soundfont(soundfont):
            name = f"{soundfont.stem}/{shot.name}"
            yield Material(shot.audio, "drum", name, held_out_sound(name))


def _from_folder(folder: Path) -> Iterator[Material]:
    if not folder.is_dir():
        raise DataError(f"no folder {folder}; expected a folder of sounds, speech and noise")
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in _EXTENSIONS):
        name = path.relative_to(folder).as_posix()
        top = name.split("/")[0].lower()
        audio = _read(path)
        if audio is None:
            continue
        if top == "noise":
            yield Material(_peaked(audio), "noise", name, held_out_noise(name))
        elif top == "speech":
            yield Material(_peaked(audio), "speech", name, held_out_speech(name))
        else:
            tidied = tidy(audio)
            if tidied is not None:
                yield Material(tidied, "drum", name, held_out_sound(name))


def _read(path: Path) -> Array | None:
    """The file, mono at SAMPLE_RATE; None when it cannot be read or holds nothing."""
    import soundfile
    import soxr

    try:
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, RuntimeError):
        return None
    mono = np.nan_to_num(audio.mean(axis=1, dtype=np.float32))
    if rate != SAMPLE_RATE:
        mono = soxr.resample(mono, rate, SAMPLE_RATE, quality="VHQ")
    return np.asarray(mono, np.float32) if mono.size >= SAMPLE_RATE // 100 else None


def _peaked(audio: Array) -> Array:
    audio = audio - np.float32(audio.mean())
    return np.asarray(audio * np.float32(0.9 / max(float(np.abs(audio).max()), 1e-6)), np.float32)


def write_mixture_shard(
    material: Iterator[Material], path: Path, progress: Callable[[int], None]
) -> int:
    """Write the shard of all material; returns how many sounds it holds.

    Raises DataError when a kind that mixtures need has no sound to train on.
    """
    audio: list[NDArray[np.int16]] = []
    kinds, held, names = [], [], []
    for sound in material:
        audio.append(np.round(np.clip(sound.audio, -1, 1) * 32767.0).astype(np.int16))
        kinds.append(KINDS.index(sound.kind))
        held.append(sound.held_out)
        names.append(sound.name)
        progress(len(audio))
    kind, held_out = np.array(kinds, np.int64), np.array(held, bool)
    if not np.any((kind != KINDS.index("noise")) & ~held_out):
        raise DataError(
            "no sound to denoise in the data; expected audio files beside a folder called noise"
        )
    length = np.array([a.size for a in audio], np.int64)
    replace_file(
        path,
        lambda file: np.savez(
            file,
            sample_rate=np.int64(SAMPLE_RATE),
            audio=np.concatenate(audio),
            start=np.concatenate([[0], np.cumsum(length)[:-1]]),
            length=length,
            kind=kind,
            held_out=held_out,
            name=np.array(names),
        ),
    )
    return len(audio)
