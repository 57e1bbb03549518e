"""What was asked for, as plain values that a record keeps, and the request made from it again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from engine import __version__
from engine.errors import BadRange, NotFound, VoiceError
from engine.library.importing import IMPORT
from engine.library.record import ClipRecord, plain
from engine.types import (
    Continue,
    FloatArray,
    GenerateRequest,
    Inpaint,
    Interpolate,
    Operation,
    Resynthesise,
    Sketch,
)

__all__ = ["check_voice", "digest", "request_again", "request_fields", "sources_of"]

OPERATIONS: Mapping[str, type[Operation]] = {
    "inpaint": Inpaint,
    "continue": Continue,
    "interpolate": Interpolate,
    "sketch": Sketch,
    "resynthesise": Resynthesise,
}
_NAMES = {kind: name for name, kind in OPERATIONS.items()}
_PLAIN = (
    "seconds", "bars", "bpm", "beats", "loop", "rate", "note", "guidance", "descriptors",
    "biases", "strength", "morph", "mix",
)  # fmt: skip
"""Fields of a request that are kept as they are, unless they have their usual value."""

_USUAL = GenerateRequest()


def digest(audio: FloatArray, sample_rate: int) -> str:
    """SHA-256 of a sound: its rate, shape and samples."""
    found = hashlib.sha256(f"{sample_rate} {audio.shape}".encode())
    found.update(np.ascontiguousarray(audio, dtype="<f4").tobytes())
    return found.hexdigest()


def request_fields(request: GenerateRequest, sources: Mapping[str, str]) -> dict[str, Any]:
    """All of a request that the record's other fields do not say, without the usual values.

    sources: "source" and "other" -> digest of that sound; their clips are the record's parents,
    in this order.
    """
    kept = {
        name: plain(getattr(request, name))
        for name in _PLAIN
        if getattr(request, name) != getattr(_USUAL, name)
    }
    if request.operation is not None:
        values = plain(asdict(request.operation))
        kept["operation"] = {"name": _NAMES[type(request.operation)], **values}
    if sources:
        kept["sources"] = [[which, sha256] for which, sha256 in sources.items()]
    kept["made_by"] = __version__
    return kept


def request_again(record: ClipRecord) -> GenerateRequest:
    """The request that makes a clip again, by itself. Its sources are clip ids.

    Raises NotFound for a clip that was imported or made before records were complete, BadRange
    when the record is not one that `request_fields` wrote.
    """
    kept: dict[str, Any] = dict(record.request)
    operation = kept.pop("operation", None)
    kept.pop("sources", None)
    if record.voice == IMPORT:
        raise NotFound(f"clip {record.id}: it was imported, not made; there is nothing to repeat")
    if "made_by" not in kept:
        raise NotFound(
            f"clip {record.id}: its record is of an older Driftwave and does not say everything"
        )
    kept.pop("made_by")
    try:
        found = zip(sources_of(record), record.parents, strict=True)
        kept |= {f"{which}_id": parent for (which, _), parent in found}
        return GenerateRequest(
            voice=record.voice,
            prompt=record.prompt,
            negative=record.negative,
            seed=record.seed,
            steps=record.steps,
            first=record.index,
            operation=_operation(operation),
            **kept,
        )
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise BadRange(f"clip {record.id}: its record cannot be read ({error})") from None


def sources_of(record: ClipRecord) -> list[tuple[str, str]]:
    """What each parent was, "source" or "other", and the digest of its sound.

    Raises ValueError when the record is not one that `request_fields` wrote.
    """
    kept: Any = record.request.get("sources", [])
    return [(str(which), str(sha256)) for which, sha256 in kept]


def _operation(values: Any) -> Operation | None:
    if values is None:
        return None
    values = dict(values)
    kind: Any = OPERATIONS[values.pop("name")]
    known = {field.name for field in fields(kind)}
    made: Operation = kind(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
            if name in known
        }
    )
    return made


def check_voice(record: ClipRecord, installed: str) -> None:
    """Raise VoiceError unless ``installed`` is the hash of the voice that made a clip."""
    if installed != record.voice_hash:
        raise VoiceError(
            f"clip {record.id or '(of a file)'}: made by voice {record.voice!r} "
            f"{record.voice_hash[:12]}, installed is {installed[:12]}; install that version to "
            "make it again"
        )
