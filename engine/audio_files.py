"""Audio files at the border: hostile input is refused or cleaned, output is exact."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path

import numpy as np

from engine.errors import AudioFileError, BadRange, StorageError
from engine.types import FloatArray

log = logging.getLogger(__name__)

MAX_CHANNELS = 32
MAX_SECONDS = 600.0
"""Longest file read as a source; longer ones are refused rather than loaded."""

RATES_HZ = (4_000, 768_000)
PEAK_LIMIT = 8.0
"""Samples beyond +18 dBFS are clamped here: no sound needs them and networks overflow."""

WAV_COMMENT_BYTES = 2_000
"""Longest comment that readers of WAV files find again."""

_BLOCK_FRAMES = 65_536


def read_audio(path: Path, *, max_seconds: float = MAX_SECONDS) -> tuple[FloatArray, int]:
    """Read a sound file as `(C, T)` float32 and its sample rate in hertz.

    Samples that are not numbers become silence (with a warning in the log); what a header
    promises is never allocated before it is read. Raises AudioFileError when the file is
    missing, unreadable, of an unknown format, empty, too long, or has too many channels.
    """
    import soundfile

    path = Path(path)
    if not path.exists():
        raise AudioFileError(f"{path}: no such file; give the path of a WAV, FLAC or AIFF file")
    if not path.is_file():
        raise AudioFileError(f"{path}: is not a file; give the path of a WAV, FLAC or AIFF file")
    try:
        with soundfile.SoundFile(path) as file:
            check_shape(path, file.channels, file.samplerate)
            blocks = _read_blocks(file, path, max_seconds)
            sample_rate = int(file.samplerate)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise AudioFileError(
            f"{path}: cannot be read as audio ({error}); expected WAV, FLAC, AIFF or OGG"
        ) from None
    if not blocks:
        raise AudioFileError(f"{path}: holds no audio frames; give a file with sound in it")
    audio = np.ascontiguousarray(np.concatenate(blocks).T)
    return _clean(audio, path), sample_rate


def check_shape(path: Path, channels: int, sample_rate: int) -> None:
    """Raise AudioFileError for a file of too many channels or an unlikely sample rate."""
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioFileError(f"{path}: {channels} channels; expected 1 to {MAX_CHANNELS}")
    if not RATES_HZ[0] <= sample_rate <= RATES_HZ[1]:
        raise AudioFileError(
            f"{path}: sample rate {sample_rate} Hz; expected {RATES_HZ[0]} to {RATES_HZ[1]} Hz"
        )


def _read_blocks(file: object, path: Path, max_seconds: float) -> list[FloatArray]:
    """Frames `(T, C)` in blocks, until the file really ends."""
    limit = int(max_seconds * file.samplerate)  # type: ignore[attr-defined]
    blocks: list[FloatArray] = []
    total = 0
    while True:
        block = file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)  # type: ignore[attr-defined]
        if len(block) == 0:
            return blocks
        total += len(block)
        if total > limit:
            raise AudioFileError(
                f"{path}: longer than {max_seconds:g} s; cut out the part you need"
            )
        blocks.append(block)


def _clean(audio: FloatArray, path: Path) -> FloatArray:
    bad = ~np.isfinite(audio)
    if bad.any():
        log.warning("%s: %d samples are not numbers and are played as silence", path, bad.sum())
        audio[bad] = 0.0
    return np.clip(audio, -PEAK_LIMIT, PEAK_LIMIT)


def resample(audio: FloatArray, from_hz: int, to_hz: int) -> FloatArray:
    """`(C, T)` at another rate (soxr, very high quality); the same array at the same rate."""
    if not RATES_HZ[0] <= to_hz <= RATES_HZ[1]:
        raise BadRange(f"rate {to_hz} Hz: expected {RATES_HZ[0]} to {RATES_HZ[1]} Hz")
    if from_hz == to_hz:
        return audio
    import soxr

    out = soxr.resample(np.ascontiguousarray(audio.T), from_hz, to_hz, quality="VHQ")
    return np.ascontiguousarray(out.T, dtype=np.float32)


def encode(audio: FloatArray, sample_rate: int, *, form: str, record: str = "") -> bytes:
    """The bytes of a 24-bit WAV or FLAC file with `record` as its comment.

    Equal arguments give equal bytes: no date goes in. Audio `(C, T)` on the 24-bit grid is
    kept exactly. Raises BadRange for a format other than wav or flac.
    """
    import soundfile

    if form not in ("wav", "flac"):
        raise BadRange(f"format {form!r}: expected wav or flac")
    buffer = io.BytesIO()
    frames = np.rint(np.asarray(audio.T, dtype=np.float64) * 2**23)
    whole = np.clip(frames, -(2**23), 2**23 - 1).astype(np.int32) << 8
    with soundfile.SoundFile(
        buffer,
        "w",
        samplerate=sample_rate,
        channels=audio.shape[0],
        format=form.upper(),
        subtype="PCM_24",
    ) as file:
        if record:
            file.comment = record
        file.write(whole)
    return buffer.getvalue()


def decode(data: bytes) -> tuple[FloatArray, int, str]:
    """Audio `(C, T)`, sample rate and comment of a file that `encode` wrote.

    Raises AudioFileError when the bytes are damaged.
    """
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            promised = file.frames
            comment = str(file.comment or "")
            frames = file.read(dtype="float32", always_2d=True)
            sample_rate = int(file.samplerate)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise AudioFileError(f"damaged audio file ({error})") from None
    if len(frames) != promised:
        raise AudioFileError(f"damaged audio file: {len(frames)} of {promised} frames")
    return np.ascontiguousarray(frames.T), sample_rate, comment


def write_durably(path: Path, temporary: Path, data: bytes) -> None:
    """Put `data` at `path` so that at every moment there is all of it or nothing.

    Writes `temporary` (on the same disk), flushes it to the disk and renames it. Raises
    StorageError when the disk is full or the folder cannot be written; `path` is then as
    it was.
    """
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise storage_error(path, error) from error


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def storage_error(path: Path, error: OSError) -> StorageError:
    """What a failed write means to the musician, with the remedy."""
    return StorageError(
        f"{path}: cannot be written ({error.strerror or error}); free disk space or choose "
        "another folder (nothing stored earlier is lost)"
    )
