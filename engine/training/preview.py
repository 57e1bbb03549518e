"""Write what a run sounds and looks like with the standard library alone: WAV and PNG."""

from __future__ import annotations

import struct
import wave
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.stft import Stft

Array = NDArray[np.float32]


def write_wav(path: Path, audio: Array, sample_rate: int) -> None:
    """Write (T,) float32 as 16-bit mono."""
    values = np.round(np.clip(audio, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(values.tobytes())


def write_png(path: Path, grey: NDArray[np.uint8]) -> None:
    """Write (height, width) uint8 as a greyscale PNG."""
    height, width = grey.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), grey], axis=1).tobytes()

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 6))
        + chunk(b"IEND", b"")
    )


def picture(audio: Array, height: int = 160, width: int = 192) -> NDArray[np.uint8]:
    """Draw (T,) audio: spectrogram above (log frequency, 80 dB range), waveform below."""
    stft = Stft(1024, 128)
    padded = np.pad(audio, (0, -audio.size % stft.hop))
    spectrum = stft.forward_numpy(padded[None])[0]
    level = 10 * np.log10((spectrum**2).sum(0) + 1e-10)
    upper = height * 3 // 4
    rows = np.geomspace(1, stft.bins - 1, upper).astype(int)[::-1]
    columns = np.linspace(0, level.shape[1] - 1, width).astype(int)
    grey = np.clip((level[rows][:, columns] + 80.0) / 80.0 * 255.0, 0, 255).astype(np.uint8)
    lower = np.zeros((height - upper, width), np.uint8)
    centre = (height - upper) // 2
    for x, part in enumerate(np.array_split(padded, width)):
        top, bottom = (round(float(v) * (centre - 1)) for v in (part.max(), part.min()))
        lower[centre - top : centre - bottom + 1, x] = 255
    return np.concatenate([grey, lower])


def sheet(columns: list[list[Array]]) -> NDArray[np.uint8]:
    """Tile pictures: one column a sound, its rows below each other, with grey lines between."""
    framed = [[np.pad(picture(a), 2, constant_values=90) for a in column] for column in columns]
    return np.concatenate([np.concatenate(column) for column in framed], axis=1)
