"""Takes a sound file of any origin as a clip, so that it can be a source like any other.

A file that Driftwave wrote brings its record along: unchanged sound is the clip it was, a
changed one (another rate, cut, edited) becomes a child of it. Any other file gets a record
that says where it came from.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.audio_files import read_audio, resample
from engine.errors import StorageError
from engine.library.record import ClipRecord, clip_of, record_from_json
from engine.library.sound_file import record_text
from engine.types import Clip, FloatArray

IMPORT = "import"
"""Voice of clips that no voice made."""

_GRID = 2**23
_LOSSLESS = ("PCM_24", "PCM_32", "FLOAT", "DOUBLE")
_LEFT_OUT: dict[str, object] = {
    "id": "", "created": 0.0, "milliseconds": 0.0, "prompt": "", "negative": "", "parents": [],
    "words_understood": [], "words_unknown": [], "conditions": {},
}  # fmt: skip
"""Fields that a file's record may lack."""

_FLAC_RATE_HZ = 655_350


@dataclass(frozen=True, slots=True)
class Imported:
    """A sound file as a clip.

    Attributes:
        clip: with the id in its record where the sound is unchanged, else with a new one.
        known: whether the file holds an unchanged sound of ours.
        name: a name for it, from the file's.
    """

    clip: Clip
    known: bool
    name: str


def read_import(path: Path) -> Imported:
    """Read any file that libsndfile reads; more than two channels are mixed to one.

    Sound above full scale is turned down until it fits into 24 bits, and the record says by
    how much. Raises AudioFileError.
    """
    path = Path(path).expanduser()
    audio, sample_rate = read_audio(path)
    record = file_record(path)
    whole, gain = _on_grid(audio)
    if record is not None and gain == 1.0 and _is(record, whole, sample_rate, path):
        if not record.id:
            record = replace(record, id=uuid.uuid4().hex, created=time.time())
        return Imported(clip_of(record, whole), True, path.stem)
    facts: dict[str, object] = {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "channels": len(audio),
    }
    if gain != 1.0:
        facts["gain"] = gain
    if sample_rate > _FLAC_RATE_HZ:
        facts["sample_rate"] = sample_rate
        whole, _ = _on_grid(resample(whole, sample_rate, 192_000))
        sample_rate = 192_000
    clip = Clip(
        id=uuid.uuid4().hex,
        audio=whole,
        sample_rate=sample_rate,
        seed=0,
        index=0,
        voice=IMPORT,
        voice_hash="",
        prompt="",
        negative="",
        steps=0,
        words_understood=(),
        words_unknown=(),
        conditions={"import": facts},
        parents=(),
        milliseconds=0.0,
        created=time.time(),
    )
    if record is not None:
        parents = (record.id,) if record.id else ()
        clip = replace(clip, prompt=record.prompt, parents=parents)
    return Imported(clip, False, path.stem)


def file_record(path: Path) -> ClipRecord | None:
    """The record inside a sound file, or None. Raises AudioFileError for a broken file.

    Files whose record leaves out what differs from run to run have no id (""); a clip that
    was shortened to fit into a comment lacks its least telling fields.
    """
    text = record_text(Path(path))
    try:
        values = json.loads(text)
        if "driftwave" not in values:
            return None
        return record_from_json(json.dumps({**_LEFT_OUT, **values}))
    except (StorageError, ValueError, TypeError):
        return None


def _on_grid(audio: FloatArray) -> tuple[FloatArray, float]:
    """Audio of one or two channels on the 24-bit grid, and the gain that was needed."""
    if len(audio) > 2:
        audio = audio.mean(axis=0, keepdims=True, dtype=np.float32)
    peak = float(np.abs(audio).max(initial=0.0))
    gain = 1.0 if peak <= 1.0 else (_GRID - 1) / _GRID / peak
    whole = np.rint(audio.astype(np.float64) * gain * _GRID)
    return (np.clip(whole, -_GRID, _GRID - 1) / _GRID).astype(np.float32), gain


def _is(record: ClipRecord, audio: FloatArray, sample_rate: int, path: Path) -> bool:
    """Whether a record can describe the sound of this file; 16 bits are not the sound itself."""
    import soundfile

    shape = (sample_rate, audio.shape[0], audio.shape[1])
    same = shape == (record.sample_rate, record.channels, record.frames)
    return same and soundfile.info(path).subtype in _LOSSLESS
