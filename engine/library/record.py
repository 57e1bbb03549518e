"""What is remembered about a clip besides its samples, and its form as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from engine.errors import StorageError
from engine.types import Clip, FloatArray

RECORD_VERSION = 1
"""Version of the JSON record inside audio files; raised when a field changes its meaning."""

_CURATION = ("name", "favourite", "tags")
"""Fields the musician edits later; they live in the library's database only."""

_UNREPEATABLE = ("id", "created", "milliseconds")
"""Fields that differ between two runs with the same seed."""


@dataclass(frozen=True, slots=True)
class ClipRecord:
    """A clip without its audio: one row of the library.

    The fields up to `request` are those of `engine.types.Clip`; `channels` and `frames`
    give the shape of the audio, `name`, `favourite` and `tags` are set by the musician.
    """

    id: str
    sample_rate: int
    channels: int
    frames: int
    seed: int
    index: int
    voice: str
    voice_hash: str
    prompt: str
    negative: str
    steps: int
    words_understood: tuple[str, ...]
    words_unknown: tuple[str, ...]
    conditions: Mapping[str, object]
    parents: tuple[str, ...]
    milliseconds: float
    created: float
    request: Mapping[str, object] = field(default_factory=dict)
    name: str = ""
    favourite: bool = False
    tags: tuple[str, ...] = field(default=())

    @property
    def seconds(self) -> float:
        """Length of the clip in seconds."""
        return self.frames / self.sample_rate


def record_of(clip: Clip) -> ClipRecord:
    """The record of a finished clip, not yet named or tagged."""
    return ClipRecord(
        id=clip.id,
        sample_rate=clip.sample_rate,
        channels=int(clip.audio.shape[0]),
        frames=int(clip.audio.shape[-1]),
        seed=clip.seed,
        index=clip.index,
        voice=clip.voice,
        voice_hash=clip.voice_hash,
        prompt=clip.prompt,
        negative=clip.negative,
        steps=clip.steps,
        words_understood=tuple(clip.words_understood),
        words_unknown=tuple(clip.words_unknown),
        conditions=clip.conditions,
        parents=tuple(clip.parents),
        milliseconds=clip.milliseconds,
        created=clip.created,
        request=clip.request,
    )


def clip_of(record: ClipRecord, audio: FloatArray) -> Clip:
    """The clip with its audio `(C, T)` put back."""
    return Clip(
        id=record.id,
        audio=audio,
        sample_rate=record.sample_rate,
        seed=record.seed,
        index=record.index,
        voice=record.voice,
        voice_hash=record.voice_hash,
        prompt=record.prompt,
        negative=record.negative,
        steps=record.steps,
        words_understood=record.words_understood,
        words_unknown=record.words_unknown,
        conditions=record.conditions,
        parents=record.parents,
        milliseconds=record.milliseconds,
        created=record.created,
        request=record.request,
    )


def plain(value: object) -> Any:
    """`value` as JSON can hold it: NumPy numbers unwrapped, NaN and infinities as null."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)


def record_fields(record: ClipRecord) -> dict[str, Any]:
    """Every field of the record as plain JSON values."""
    return {item.name: plain(getattr(record, item.name)) for item in fields(record)}


def record_json(
    record: ClipRecord, *, repeatable: bool = False, max_bytes: int | None = None
) -> str:
    """The record as it stands inside an audio file: one line of sorted JSON.

    With `repeatable` the fields that differ between two runs with the same seed are left
    out, so that equal sounds give equal files. With `max_bytes` the least telling fields
    are dropped until the line fits (a WAV comment holds about 2000 bytes).
    """
    left_out = set(_CURATION)
    if repeatable:
        left_out.update(_UNREPEATABLE)
    kept = {key: value for key, value in record_fields(record).items() if key not in left_out}
    kept["driftwave"] = RECORD_VERSION
    droppable = [
        "conditions", "words_unknown", "words_understood", "request", "parents", "negative",
        "prompt",
    ]  # fmt: skip
    while True:
        line = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if max_bytes is None or len(line.encode()) <= max_bytes or not droppable:
            return line
        del kept[droppable.pop(0)]


def record_from_json(text: str) -> ClipRecord:
    """Read a record back; raises StorageError when it is not one of ours or is incomplete."""
    try:
        values = json.loads(text)
        version = values.pop("driftwave")
    except (ValueError, KeyError, AttributeError, TypeError):
        raise StorageError(
            f"no clip record found: expected one line of JSON, got {text[:60]!r}"
        ) from None
    if not isinstance(version, int) or version > RECORD_VERSION:
        raise StorageError(
            f"clip record version {version!r}: this Driftwave reads up to {RECORD_VERSION}; "
            "update Driftwave to use this clip"
        )
    known = {item.name for item in fields(ClipRecord)}
    values = {key: value for key, value in values.items() if key in known}
    try:
        record = ClipRecord(**values)
        return _typed(record)
    except (TypeError, ValueError) as error:
        raise StorageError(f"incomplete clip record: {error}") from None


def _typed(record: ClipRecord) -> ClipRecord:
    """The record with JSON lists as tuples and every number checked."""
    if not isinstance(record.conditions, Mapping):
        raise ValueError(f"conditions {record.conditions!r}: expected a table")
    if not isinstance(record.request, Mapping):
        raise ValueError(f"request {record.request!r}: expected a table")
    return ClipRecord(
        id=str(record.id),
        sample_rate=int(record.sample_rate),
        channels=int(record.channels),
        frames=int(record.frames),
        seed=int(record.seed),
        index=int(record.index),
        voice=str(record.voice),
        voice_hash=str(record.voice_hash),
        prompt=str(record.prompt),
        negative=str(record.negative),
        steps=int(record.steps),
        words_understood=tuple(map(str, record.words_understood)),
        words_unknown=tuple(map(str, record.words_unknown)),
        conditions=dict(record.conditions),
        parents=tuple(map(str, record.parents)),
        milliseconds=float(record.milliseconds),
        created=float(record.created),
        request=dict(record.request),
        name=str(record.name),
        favourite=bool(record.favourite),
        tags=tuple(map(str, record.tags)),
    )
