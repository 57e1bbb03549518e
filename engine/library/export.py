"""Writes a clip as a sound file for other programs."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from engine.audio_files import write_durably
from engine.library.file_names import clip_stem, write_new
from engine.library.record import ClipRecord, record_of
from engine.library.sound_file import form_of, sound_bytes
from engine.types import Clip


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a file shall be: `sample_rate` None keeps the clip's own; see FORMS and DEPTHS."""

    form: str = "wav"
    sample_rate: int | None = None
    depth: str = "24"


def export_clip(
    clip: Clip, path: Path, *, sample_rate: int | None = None, depth: str = "24"
) -> Path:
    """Write a clip to `path` (.wav, .flac, .aiff) at any rate and depth, its record inside.

    An existing file is replaced, at once or not at all. Raises BadRange for another suffix
    or what the format cannot hold, StorageError when the file cannot be written.
    """
    path = Path(path).absolute()
    wanted = Wanted(form_of(path), sample_rate, depth)
    data = exported(clip, record_of(clip), wanted)
    write_durably(
        path, path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp"), data
    )
    return path


def export_beside(clip: Clip, record: ClipRecord, folder: Path, wanted: Wanted) -> Path:
    """Write a clip into `folder` under its own name, never over another sound.

    The same clip written again in the same way is the same file. Raises BadRange and
    StorageError.
    """
    data = exported(clip, record, wanted)
    return write_new(folder.absolute(), clip_stem(record), f".{wanted.form}", data)


def exported(clip: Clip, record: ClipRecord, wanted: Wanted) -> bytes:
    """The bytes of the file."""
    return sound_bytes(
        clip.audio,
        clip.sample_rate,
        record,
        form=wanted.form,
        sample_rate=wanted.sample_rate,
        depth=wanted.depth,
    )
