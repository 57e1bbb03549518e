"""Plays a song through the plugin core offline: the same notes give the same samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from bridge import _native
from plugin_host.errors import InputError
from plugin_host.midi_file import Song

FloatArray = npt.NDArray[np.float32]

SUBTYPES = {16: "PCM_16", 24: "PCM_24", 32: "FLOAT"}
"""Bits a sample -> format within the WAV file."""
_HEAD_BYTES = 128  # where chunks before the samples stand


def render_song(
    generator: _native.Generator,
    song: Song,
    *,
    sample_rate: float,
    block: int,
    tail_s: float,
    bpm: float = 120.0,
) -> FloatArray:
    """Render a song and what still sounds after it.

    Args:
        generator: with its sounds loaded; it is prepared here.
        sample_rate: in hertz; the song's frames are counted in it.
        block: frames a call, at least 1; the result does not depend on it.
        tail_s: at most so long after the song.
        bpm: tempo of the pads that loop; they sound while the song does.

    Returns:
        `(2, T)` float32.
    """
    generator.prepare(sample_rate, block)
    parts = []
    at = 0
    for count, events in song.blocks(block, song.frames):
        beat = at * bpm / (60.0 * sample_rate)
        parts.append(generator.process(count, events, playing=True, bpm=bpm, beat=beat, frame=at))
        at += count
    left = round(tail_s * sample_rate)
    while left > 0 and generator.parameter("playing_voices") > 0:
        count = min(block, left)
        parts.append(generator.process(count))
        left -= count
    return np.concatenate(parts, axis=1)


def late_variations(generator: _native.Generator) -> int:
    """Fresh hits of the render that had to repeat the last sound."""
    return int(generator.snapshot().late_variations)


def write_audio(file: Path, audio: FloatArray, sample_rate: int, bits: int) -> None:
    """Write `(C, T)` audio as WAV; raises InputError when it cannot be written."""
    part = file.with_name(file.name + ".part")
    try:
        soundfile.write(part, audio.T, sample_rate, subtype=SUBTYPES[bits], format="WAV")
        _forget_the_time(part)
        part.replace(file)
    except (OSError, soundfile.SoundFileError) as error:
        part.unlink(missing_ok=True)
        raise InputError(f"cannot write {file}: {error}") from None


def _forget_the_time(file: Path) -> None:
    """Zero the time of writing that libsndfile puts into floating-point files.

    The PEAK chunk is: name, length, version, seconds since 1970, then the peaks. Without this the
    same render would give other bytes a second later.
    """
    with file.open("r+b") as raw:
        head = raw.read(_HEAD_BYTES)
        place = head.find(b"PEAK")
        if 0 <= place < _HEAD_BYTES - 16:
            raw.seek(place + 12)
            raw.write(bytes(4))
