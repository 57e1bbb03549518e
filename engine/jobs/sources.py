"""The sounds that a request starts from: fetched from the library, or put into it.

Every clip can be made again from its record, so whatever it was made from must be a clip too: a
sound that came from outside is kept under an id made of its samples.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from engine.errors import NotFound, StorageError
from engine.jobs.clip_writer import ClipWriter
from engine.library.importing import IMPORT
from engine.library.library import Library
from engine.library.record import ClipRecord
from engine.library.request_record import digest
from engine.operations.waves import as_clip
from engine.types import Clip, FloatArray, GenerateRequest

__all__ = ["Sources", "imported", "with_grid_sources", "with_sources"]

log = logging.getLogger(__name__)

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Sources:
    """What a request starts from.

    parents: clip ids. digests: "source" and "other" -> SHA-256 of that sound, in that order.
    """

    parents: tuple[str, ...] = ()
    digests: dict[str, str] = field(default_factory=dict)


def with_grid_sources(request: GenerateRequest) -> GenerateRequest:
    """The request with sounds from outside as clips can keep them."""
    if request.source is not None:
        request = replace(request, source=as_clip(request.source))
    if request.other is not None:
        request = replace(request, other=as_clip(request.other))
    return request


def with_sources(request: GenerateRequest, clip: Callable[[str], Clip]) -> GenerateRequest:
    """The request with the audio of its source clips. Raises NotFound and StorageError."""
    if request.source is None and request.source_id:
        found = clip(request.source_id)
        request = replace(request, source=found.audio, source_rate=found.sample_rate)
    if request.other is None and request.other_id:
        found = clip(request.other_id)
        request = replace(request, other=found.audio, other_rate=found.sample_rate)
    return request


def imported(
    request: GenerateRequest,
    writer: ClipWriter,
    library: Library | None,
    record: Callable[[str], ClipRecord],
) -> Sources:
    """Make clips of the request's sounds that are none yet. Call with the audio in place."""
    parents: list[str] = []
    digests: dict[str, str] = {}
    for which, audio, rate, clip_id, name in (
        ("source", request.source, request.source_rate, request.source_id, request.source_name),
        ("other", request.other, request.other_rate, request.other_id, request.other_name),
    ):
        if audio is None:
            continue
        digests[which] = digest(audio, rate)
        if not _is_clip(clip_id, audio, rate, record):
            clip_id = digests[which][:32]
            _keep(_import(clip_id, audio, rate, name), writer, library, record)
        parents.append(clip_id)
    return Sources(tuple(parents), digests)


def _is_clip(
    clip_id: str, audio: FloatArray, rate: int, record: Callable[[str], ClipRecord]
) -> bool:
    """Whether the library holds this sound under its id."""
    if not _ID.fullmatch(clip_id):
        return False
    try:
        found = record(clip_id)
    except (NotFound, StorageError):
        return False
    return (found.sample_rate, found.channels, found.frames) == (rate, *audio.shape)


def _import(clip_id: str, audio: FloatArray, rate: int, name: str) -> Clip:
    return Clip(
        id=clip_id, audio=audio, sample_rate=rate, seed=0, index=0, voice=IMPORT, voice_hash="",
        prompt="", negative="", steps=0, words_understood=(), words_unknown=(),
        conditions={"import": {"file": name}}, parents=(), milliseconds=0.0,
        created=time.time(),
    )  # fmt: skip


def _keep(
    clip: Clip, writer: ClipWriter, library: Library | None, record: Callable[[str], ClipRecord]
) -> None:
    try:
        record(clip.id)
        return  # the same samples were imported before
    except (NotFound, StorageError):
        pass
    if library is not None:
        try:
            library.restore(clip.id)
            return
        except (NotFound, StorageError):
            pass
    writer.put(clip, lambda error: log.debug("imported clip %s: %s", clip.id, error or "stored"))
