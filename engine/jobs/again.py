"""Make a clip again from its record, to the bit."""

from __future__ import annotations

from engine.errors import BadRange, NotFound, StorageError
from engine.jobs.engine import Engine
from engine.jobs.job import Job, JobListener
from engine.library.record import ClipRecord
from engine.library.request_record import check_voice, digest, request_again, sources_of
from engine.types import Clip, GenerateRequest

__all__ = ["make_again", "request_for"]


def request_for(record: ClipRecord, engine: Engine) -> GenerateRequest:
    """The request that makes this clip again, once it is certain that it would be the same.

    Raises VoiceError when the voice is gone or another version, NotFound when a parent is not in
    the library or the record does not say everything, StorageError when a parent is another sound.
    """
    if "pattern" in record.conditions:
        raise BadRange(
            f"clip {record.id} is a drum loop, made of many sounds: make it again with `driftwave "
            f"pattern --again {record.id}`, or /drift/pattern with the key again"
        )
    request = request_again(record)
    check_voice(record, engine.voices.find(record.voice).hash)
    for parent, (which, expected) in zip(record.parents, sources_of(record), strict=True):
        try:
            clip = engine.clip(parent)
        except NotFound:
            raise NotFound(
                f"clip {record.id}: its {which}, clip {parent}, is not in the library; restore it "
                "(`driftwave clips restore`) or import it again"
            ) from None
        if digest(clip.audio, clip.sample_rate) != expected:
            raise StorageError(
                f"clip {record.id}: its {which}, clip {parent}, is not the sound it was made from"
            )
    return request


def make_again(record: ClipRecord, engine: Engine, *, timeout_s: float | None = None) -> Clip:
    """The clip that a record describes, made anew by the engine's own way; it is not stored.

    Equal to the bit on the same kind of runtime, else within the runtimes' tolerance. Raises as
    `request_for`, and whatever the job fails with.
    """
    made = _Kept()
    job = engine.submit(request_for(record, engine), listener=made, keep=False)
    job.wait(timeout_s)
    if made.clip_made is None:
        raise job.error or StorageError(f"clip {record.id}: not made in time")
    return made.clip_made


class _Kept(JobListener):
    def __init__(self) -> None:
        self.clip_made: Clip | None = None

    def clip(self, job: Job, clip: Clip) -> None:
        self.clip_made = clip
