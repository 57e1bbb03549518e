"""A clip as a sound file for other programs, with its whole record inside in every format.

FLAC takes a comment of any length. The comment of a WAV or AIFF file holds about 2000 bytes,
so a longer record also stands in a chunk of our own after the sound, which other programs
pass over: `drft` in RIFF, `APPL` with the signature `Drft` in AIFF.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from engine.audio_files import WAV_COMMENT_BYTES, resample
from engine.errors import AudioFileError, BadRange
from engine.library.record import ClipRecord, record_json
from engine.types import FloatArray

FORMS = ("wav", "flac", "aiff")
SUFFIXES = {".wav": "wav", ".flac": "flac", ".aiff": "aiff", ".aif": "aiff"}
DEPTHS = ("16", "24", "32f")
"""Bits of a sample: 16 with dither, 24, and 32-bit floating point (not in FLAC)."""

_SUBTYPES = {"16": "PCM_16", "24": "PCM_24", "32f": "FLOAT"}
_FLAC_RATE_HZ = 655_350
_DITHER_KEY = 0x44524654
_MOST_RECORD_BYTES = 16 * 2**20

ByteOrder = Literal["little", "big"]


def form_of(path: Path) -> str:
    """The format that a file's suffix names; raises BadRange for another suffix."""
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise BadRange(f"{path.name}: suffix {path.suffix!r}: expected {', '.join(SUFFIXES)}")
    return form


def sound_bytes(
    audio: FloatArray,
    from_hz: int,
    record: ClipRecord,
    *,
    form: str,
    sample_rate: int | None = None,
    depth: str = "24",
) -> bytes:
    """The bytes of a sound file of `(C, T)` audio at any rate, with `record` inside.

    Equal arguments give equal bytes: no date goes in, and the dither is always the same.
    Where resampling overshoots full scale the whole sound is turned down until it fits.
    Raises BadRange for what the format cannot hold.
    """
    rate = from_hz if sample_rate is None else sample_rate
    _check(form, rate, depth, len(audio))
    sound = resample(audio, from_hz, rate)
    peak = float(np.abs(sound).max(initial=0.0))
    if rate != from_hz and peak > 1.0 and depth != "32f":
        sound = sound / np.float32(peak)
    short = record_json(record, max_bytes=None if form == "flac" else WAV_COMMENT_BYTES)
    data = _encoded(sound, rate, form, depth, short)
    if form == "flac":
        return data
    data = _without_date(data, form)
    whole = record_json(record)
    return data if whole == short else _with_chunk(data, form, whole.encode())


def _check(form: str, rate: int, depth: str, channels: int) -> None:
    if form not in FORMS:
        raise BadRange(f"format {form!r}: expected one of {', '.join(FORMS)}")
    if depth not in DEPTHS:
        raise BadRange(f"depth {depth!r}: expected one of {', '.join(DEPTHS)}")
    if form != "flac":
        return
    if depth == "32f":
        raise BadRange("depth '32f' in FLAC: expected 16 or 24, or the format wav or aiff")
    if rate > _FLAC_RATE_HZ:
        raise BadRange(f"rate {rate} Hz in FLAC: expected at most {_FLAC_RATE_HZ}, or wav or aiff")
    if channels > 8:
        raise BadRange(f"{channels} channels in FLAC: expected at most 8, or wav or aiff")


def _encoded(sound: FloatArray, rate: int, form: str, depth: str, comment: str) -> bytes:
    import soundfile

    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer,
        "w",
        samplerate=rate,
        channels=len(sound),
        format=form.upper(),
        subtype=_SUBTYPES[depth],
    ) as file:
        file.comment = comment
        file.write(np.ascontiguousarray(sound.T) if depth == "32f" else _whole(sound.T, depth))
    return buffer.getvalue()


def _whole(frames: FloatArray, depth: str) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """Frames `(T, C)` as left-justified 32-bit integers of 16 (dithered) or 24 bits."""
    bits = int(depth)
    scaled = frames.astype(np.float64) * 2 ** (bits - 1)
    if bits == 16:
        # Triangular noise of two steps makes the rounding error independent of the sound.
        noise = np.random.Generator(np.random.Philox(key=_DITHER_KEY))
        scaled += noise.random(frames.shape) - noise.random(frames.shape)
    limit = 2 ** (bits - 1)
    whole = np.clip(np.rint(scaled), -limit, limit - 1).astype(np.int32)
    return np.asarray(whole * 2 ** (32 - bits), dtype=np.int32)


def _without_date(data: bytes, form: str) -> bytes:
    """The file without the time that libsndfile writes beside a floating-point peak."""
    for name, start, _ in _chunks(io.BytesIO(data), form):
        if name == b"PEAK":
            return data[: start + 4] + bytes(4) + data[start + 8 :]
    return data


def _with_chunk(data: bytes, form: str, record: bytes) -> bytes:
    """The file with the record in a chunk of its own at the end."""
    order: ByteOrder = "little" if form == "wav" else "big"
    body = record if form == "wav" else b"Drft" + record
    padding = b"\0" * (len(body) % 2)
    name = b"drft" if form == "wav" else b"APPL"
    data += b"\0" * (len(data) % 2)
    data += name + len(body).to_bytes(4, order) + body + padding
    return data[:4] + (len(data) - 8).to_bytes(4, order) + data[8:]


def _chunks(file: BinaryIO, form: str) -> list[tuple[bytes, int, int]]:
    """Name, start and length of each chunk of a RIFF or AIFF file, as far as it is whole."""
    layout = "<I" if form == "wav" else ">I"
    end = file.seek(0, io.SEEK_END)
    at, found = 12, []
    while at + 8 <= end:
        file.seek(at)
        head = file.read(8)
        (length,) = struct.unpack(layout, head[4:])
        found.append((head[:4], at + 8, min(length, end - at - 8)))
        at += 8 + length + length % 2
    return found


def record_text(path: Path) -> str:
    """The record's line inside a sound file, or "" when there is none.

    Raises AudioFileError when the file cannot be read as sound.
    """
    import soundfile

    try:
        with path.open("rb") as file:
            whole = _own_chunk(file)
        if whole:
            return whole
        with soundfile.SoundFile(path) as sound:
            return str(sound.comment or "")
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise AudioFileError(
            f"{path}: cannot be read as audio ({error}); expected WAV, FLAC, AIFF or OGG"
        ) from None


def _own_chunk(file: BinaryIO) -> str:
    head = file.read(12)
    if head[:4] == b"RIFF":
        form, name, signature = "wav", b"drft", b""
    elif head[:4] == b"FORM":
        form, name, signature = "aiff", b"APPL", b"Drft"
    else:
        return ""
    for chunk, start, length in _chunks(file, form):
        if chunk == name and length <= _MOST_RECORD_BYTES:
            file.seek(start)
            body = file.read(length)
            if body.startswith(signature):
                return body.removeprefix(signature).decode(errors="replace")
    return ""
