"""Denoise an audio file into another, block by block: any length in the same memory."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.audio_files import check_shape, storage_error
from engine.denoising.amount import check_amount
from engine.denoising.stream import LIMIT
from engine.denoising.voice import Denoiser
from engine.denoising.whole import (
    BLOCK_FRAMES,
    Progress,
    aligned_stream,
    check_quality,
    found_noise,
    passes_of,
    profile,
)
from engine.errors import AudioFileError, BadRange

__all__ = ["Done", "FileOrder", "denoise_file"]

log = logging.getLogger(__name__)

Array = NDArray[np.float32]
_FORMATS = {".wav": "WAV", ".flac": "FLAC", ".aif": "AIFF", ".aiff": "AIFF", ".ogg": "OGG"}
_LONGEST_LEARNED_SECONDS = 120.0


@dataclass(frozen=True)
class FileOrder:
    """What to do with a file.

    learn: seconds (start, end) of a passage of noise alone, or None. delta: write what is removed.
    """

    source: Path
    target: Path
    amount_db: float
    learn: tuple[float, float] | None = None
    delta: bool = False
    quality: str = "live"


@dataclass(frozen=True)
class Done:
    """What was done: frames written, their rate and channels, how much lower the level is now.

    reduction_db: level of the input over that of the output (without --delta); promised: frames
    that the header of a truncated file promised, else 0.
    """

    frames: int
    sample_rate: int
    channels: int
    reduction_db: float
    promised: int


def denoise_file(order: FileOrder, denoiser: Denoiser, progress: Progress) -> Done:
    """Do it; ``progress`` hears the share that is done. The target appears when it is whole.

    Raises AudioFileError, BadRange, StorageError and VoiceError; the target is then as it was.
    """
    check_amount(order.amount_db)
    check_quality(order.quality)
    form = _FORMATS.get(order.target.suffix.lower())
    if form is None:
        raise BadRange(
            f"{order.target}: unknown kind of file; expected a name that ends in "
            + ", ".join(_FORMATS)
        )
    with _opened(order.source) as file:
        if order.target.exists() and order.target.samefile(order.source):
            raise BadRange(
                f"{order.target} is the file that is read; give another name, so that the "
                "original is kept"
            )
        channels, rate = file.channels, file.samplerate
        noise = None if order.learn is None else _learned(file, order, denoiser)
        passes = passes_of(order.quality, noise)
        if passes == 2:
            first = _blocks(file, lambda share: progress(share / 2))
            noise = found_noise(first, channels, rate, denoiser)
        aligned = aligned_stream(channels, rate, denoiser, order.amount_db, noise)
        blocks = _blocks(file, lambda share: progress((passes - 1 + share) / passes))
        with _written(order.target, form, file) as out:
            frames, before, after = 0, 0.0, 0.0
            for sound, removed in aligned.run(blocks):
                wet = sound - removed
                frames += wet.shape[1]
                before += float((sound.astype(np.float64) ** 2).sum())
                after += float((wet.astype(np.float64) ** 2).sum())
                out.write((removed if order.delta else wet).T)
            if not frames:
                raise AudioFileError(f"{order.source}: holds no audio frames; give one with sound")
        promised = int(file.frames) if file.frames > frames else 0
    level = 10.0 * np.log10((before + 1e-20) / (after + 1e-20)) if before > 1e-20 else 0.0
    return Done(frames, rate, channels, float(level), promised)


def _learned(file: Any, order: FileOrder, denoiser: Denoiser) -> Array:
    """The noise of the passage that the order names. BadRange for one outside of the file."""
    assert order.learn is not None
    start, end = order.learn
    rate, length = file.samplerate, file.frames / file.samplerate
    if not (0.0 <= start < end and start < length):
        raise BadRange(
            f"learn {start:g}:{end:g} s; expected a passage inside of the {length:g} s of "
            f"{order.source}, its start before its end"
        )
    end = min(end, start + _LONGEST_LEARNED_SECONDS)
    file.seek(int(start * rate))
    wanted = max(1, int((end - start) * rate))
    passage = file.read(wanted, dtype="float32", always_2d=True).T
    file.seek(0)
    return profile(np.clip(passage, -LIMIT, LIMIT), rate, denoiser)


def _blocks(file: Any, progress: Progress) -> Iterator[Array]:
    """The whole file as blocks (channels, n)."""
    file.seek(0)
    done = bad = 0
    while len(block := _next_block(file, done)):
        bad += int((~np.isfinite(block)).sum())
        yield block.T
        done += len(block)
        progress(min(1.0, done / max(file.frames, 1)))
    if bad:
        log.warning("%s: %d samples are not numbers and are played as silence", file.name, bad)


def _next_block(file: Any, done: int) -> Array:
    """The next frames (n, channels); none at the end, and none where a damaged file breaks off."""
    import soundfile

    try:
        block: Array = file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        if not done:
            raise
        return np.zeros((0, file.channels), np.float32)
    return block


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file, open for reading; what goes wrong while it is read is an AudioFileError too."""
    import soundfile

    if not path.is_file():
        raise AudioFileError(f"{path}: no such file; give the path of a WAV, FLAC or AIFF file")
    try:
        with soundfile.SoundFile(path) as file:
            check_shape(path, file.channels, file.samplerate)
            yield file
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise AudioFileError(
            f"{path}: cannot be read as audio ({error}); expected WAV, FLAC, AIFF or OGG"
        ) from None


@contextmanager
def _written(target: Path, form: str, source: Any) -> Iterator[Any]:
    """A file like ``source``, open for writing; it is put at ``target`` when all went well."""
    import soundfile

    part = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with soundfile.SoundFile(
            part, "w", source.samplerate, source.channels, _subtype(form, source), format=form
        ) as out:
            yield out
        part.replace(target)
    except (OSError, soundfile.LibsndfileError) as error:
        reason = error if isinstance(error, OSError) else OSError(str(error))
        raise storage_error(target, reason) from error
    finally:
        part.unlink(missing_ok=True)


def _subtype(form: str, source: Any) -> str:
    """The samples of the new file: those of the source where the format has them, or 24 bits."""
    import soundfile

    if source.subtype in ("PCM_16", "PCM_24", "FLOAT") and soundfile.check_format(
        form, source.subtype
    ):
        return str(source.subtype)
    return "VORBIS" if form == "OGG" else "PCM_24"
