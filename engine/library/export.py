"""Writes a clip as a sound file for other programs."""

from __future__ import annotations

import os
from pathlib import Path

from engine.audio_files import WAV_COMMENT_BYTES, encode, resample, write_durably
from engine.library.record import record_json, record_of
from engine.types import Clip


def export_clip(clip: Clip, path: Path, *, sample_rate: int | None = None) -> Path:
    """Write a clip to `path` (.wav or .flac, 24 bit) at any rate, its record inside.

    An existing file is replaced, at once or not at all. Raises BadRange for another suffix
    or an impossible rate, StorageError when the file cannot be written.
    """
    path = Path(path).absolute()
    form = path.suffix[1:].lower()
    rate = clip.sample_rate if sample_rate is None else sample_rate
    comment = record_json(record_of(clip), max_bytes=WAV_COMMENT_BYTES if form == "wav" else None)
    data = encode(resample(clip.audio, clip.sample_rate, rate), rate, form=form, record=comment)
    write_durably(path, path.with_name(f".{path.name}.{os.getpid()}.tmp"), data)
    return path
