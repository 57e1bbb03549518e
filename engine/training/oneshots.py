"""Gather one-shots from folders, soundfonts and synthesis, and tidy each to the same form.

Tidy: mono, 44.1 kHz, trimmed to 2 ms before the onset, the tail cut where it has fallen to
silence and faded, at most MAX_SECONDS, peak 0.95. Needs soundfile, and soxr for other rates.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.training.categories import CATEGORIES, category_of
from engine.training.soundfonts import KitSound, render_kits
from engine.training.synthesis import synthesise

SAMPLE_RATE = 44_100
MAX_SECONDS = 4.0
PEAK = 0.95
_LONGEST_FILE_SECONDS = 60.0  # longer files are songs or loops, not one-shots
_EXTENSIONS = {".wav", ".flac", ".aif", ".aiff", ".ogg", ".mp3"}
_ONSET_DB, _TAIL_DB = -46.0, -62.0
# parts of a name that only number takes of one sound: velocity layers, round robins, counters
_TAKE = re.compile(r"([_\- ]*(vl|rr|v|vel|take|layer|hit)?[_\- ]*\d+)+$", re.IGNORECASE)

Array = NDArray[np.float32]


@dataclass(frozen=True)
class OneShot:
    """One tidy sound: (T,) float32 mono at SAMPLE_RATE, and where it came from."""

    audio: Array
    category: int
    source: str  # "folder", a soundfont's name, or "synthesis"
    name: str
    group: str  # takes of the same sound share it, and never straddle the held-out split


def tidy(audio: Array) -> Array | None:
    """Trim, cut, fade and scale (T,) float32; None for silence or what is shorter than 5 ms."""
    x = np.nan_to_num(np.asarray(audio, np.float32))
    x = x - np.float32(x.mean()) if x.size else x
    peak = float(np.abs(x).max()) if x.size else 0.0
    if peak < 1e-4:
        return None
    loud = np.flatnonzero(np.abs(x) > peak * 10 ** (_ONSET_DB / 20))
    start = max(int(loud[0]) - int(0.002 * SAMPLE_RATE), 0)
    x = x[start : start + int(MAX_SECONDS * SAMPLE_RATE)]
    blocks = np.pad(x, (0, -x.size % 256)).reshape(-1, 256)
    level = np.sqrt((blocks**2).mean(1))
    last = int(np.flatnonzero(level > level.max() * 10 ** (_TAIL_DB / 20))[-1]) + 1
    x = x[: last * 256].copy()
    if x.size < int(0.005 * SAMPLE_RATE):
        return None
    # a cut tail fades over a quarter of the sound at most, a decayed one over 6 ms
    cut = last * 256 >= int(MAX_SECONDS * SAMPLE_RATE) - 256
    fade = min(x.size // 4, int((0.4 if cut else 0.006) * SAMPLE_RATE))
    x[x.size - fade :] *= np.linspace(1, 0, fade, dtype=np.float32) ** 2
    rise = min(32, x.size)
    if start > 0:
        x[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    return np.asarray(x * (PEAK / np.abs(x).max()), np.float32)


def from_folder(folder: Path, skipped: list[str]) -> Iterator[OneShot]:
    """Yield every usable sound under ``folder``; why others are not goes to ``skipped``.

    Raises DataError when the folder is missing or holds no audio files.
    """
    for name in sound_files(folder):
        found = read_sound(folder, name)
        if isinstance(found, str):
            skipped.append(found)
        else:
            yield found


def sound_files(folder: Path) -> list[str]:
    """Names below ``folder``, as POSIX paths, of all files that may be sounds, sorted.

    Raises DataError when the folder is missing or holds no audio files.
    """
    if not folder.is_dir():
        raise DataError(f"no folder {folder}; expected a folder of audio files")
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _EXTENSIONS)
    if not files:
        kinds = ", ".join(sorted(_EXTENSIONS))
        raise DataError(f"no audio files in {folder}; expected files ending in {kinds}")
    return [path.relative_to(folder).as_posix() for path in files]


def read_sound(folder: Path, name: str) -> OneShot | str:
    """The tidy sound of one file below ``folder``, or why it is none."""
    import soundfile

    path = folder / name
    try:
        with soundfile.SoundFile(path) as file:
            seconds = file.frames / file.samplerate
            if seconds > _LONGEST_FILE_SECONDS:
                return f"{name}: {seconds:.0f} s long, not a one-shot"
            rate = file.samplerate
            audio = file.read(dtype="float32", always_2d=True).mean(axis=1)
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        return f"{name}: unreadable ({error})"
    if rate != SAMPLE_RATE:
        import soxr

        audio = soxr.resample(audio, rate, SAMPLE_RATE, quality="VHQ")
    sound = tidy(audio)
    if sound is None:
        return f"{name}: silent or shorter than 5 ms"
    return OneShot(sound, category_of(Path(name)), "folder", name, take_group(folder.name, name))


def take_group(root: str, name: str) -> str:
    """What takes of one sound have in common: folder and name without the take's numbers.

    root: name of the folder that the name is below, for files that lie directly in it.
    """
    path = PurePosixPath(name)
    return f"{path.parent.name or root}/{_TAKE.sub('', path.stem)}"


def from_soundfont(soundfont: Path) -> Iterator[OneShot]:
    """Yield the drum sounds of a General MIDI soundfont."""
    for hit in render_kits(soundfont):
        shot = from_kit(hit, soundfont.stem)
        if shot is not None:
            yield shot


def from_kit(hit: KitSound, source: str) -> OneShot | None:
    """Tidy one rendered hit; None when it is silent."""
    sound = tidy(hit.audio)
    if sound is None:
        return None
    name = f"{hit.kit}/{hit.note}/{hit.velocity}"
    group = f"{source}/{hit.kit}/{hit.note}"
    return OneShot(sound, CATEGORIES.index(hit.category), source, name, group)


def from_synthesis(scale: float) -> Iterator[OneShot]:
    """Yield about 1,040 x ``scale`` synthesised drums."""
    counts: Counter[str] = Counter()
    for category, audio in synthesise(scale):
        sound = tidy(audio)
        counts[category] += 1
        if sound is not None:
            name = f"synth/{category}/{counts[category] - 1}"
            yield OneShot(sound, CATEGORIES.index(category), "synthesis", name, name)
